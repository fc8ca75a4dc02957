import { MillraceError } from '@millrace/sdk/errors'

/** What a tool answered is no result of a tool. */
export class ToolResultInvalidError extends MillraceError {
  override readonly name = 'ToolResultInvalidError'
  static readonly code = 'TOOL_RESULT_INVALID'
  constructor(options: { server: string; tool: string; reason: string }) {
    const { server, tool, reason } = options
    super({
      code: ToolResultInvalidError.code,
      message: `Tool '${tool}' of '${server}' answered with no valid result: ${reason}.`,
      remedy: 'Tell the seller. If the call was paid, it counts as spent.',
      details: options,
    })
  }
}
