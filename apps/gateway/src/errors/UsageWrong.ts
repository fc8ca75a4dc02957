import { GatewayFault } from './GatewayFault.ts'

/** The process was called with options it cannot use. */
export class UsageWrong extends GatewayFault {
  static readonly code = 'USAGE_WRONG'
  constructor(why: string, cause?: unknown) {
    super(UsageWrong.code, `The gateway cannot start: ${why}. See --help.`, { status: 400, cause })
  }
}
