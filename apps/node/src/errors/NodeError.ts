import { MillraceError, type MillraceErrorOptions } from '@millrace/sdk'

export type NodeErrorOptions = MillraceErrorOptions

/** Base of every failure of the node daemon. */
export class NodeError extends MillraceError {
  override readonly name: string
  constructor(options: NodeErrorOptions) {
    super(options)
    this.name = new.target.name
  }
}
