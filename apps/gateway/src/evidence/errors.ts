import { GatewayFault } from '../errors/GatewayFault.ts'

/** The thread that examines revenue did not come to an end. */
export class ExaminationFailed extends GatewayFault {
  static readonly code = 'EXAMINATION_FAILED'
  constructor(why: string) {
    super(ExaminationFailed.code, `The revenue could not be examined: ${why}. Try again in a moment.`, {
      status: 503,
      retryable: true,
    })
  }
}
