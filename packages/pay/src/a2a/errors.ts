import { MillraceError } from '@millrace/sdk/errors'

/** An agent asks for payment in a form that is none. */
export class AgentAnswerInvalidError extends MillraceError {
  override readonly name = 'AgentAnswerInvalidError'
  static readonly code = 'AGENT_ANSWER_INVALID'
  constructor(options: { agent: string; reason: string }) {
    const { agent, reason } = options
    super({
      code: AgentAnswerInvalidError.code,
      message: `The agent at '${agent}' does not speak the payment extension: ${reason}.`,
      remedy: 'Nothing more is paid to it. Ask another agent, or tell its operator.',
      details: options,
    })
  }
}
