import { MillraceError, type MillraceErrorOptions } from '@millrace/sdk'

/** Base of every failure of the node daemon. */
export class NodeError extends MillraceError {
  override readonly name: string
  constructor(options: MillraceErrorOptions) {
    super(options)
    this.name = new.target.name
  }
}
