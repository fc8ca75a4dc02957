import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'
import { formatDuration } from '../output/durations.ts'

/** This home knows no wallet of agents of this name. */
export class AgentMissingError extends CliError {
  override readonly name = 'AgentMissingError'
  static readonly code = 'AGENT_MISSING'
  constructor(options: { agent: string; known: readonly string[] }) {
    const known =
      options.known.length === 0 ? 'there are none yet' : `there are '${options.known.join("', '")}'`
    super({
      code: AgentMissingError.code,
      message: `There is no agent's wallet '${options.agent}'; ${known}.`,
      remedy: 'Make one with `millrace agent new <name>`.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** A wallet of agents of this name exists. */
export class AgentExistsError extends CliError {
  override readonly name = 'AgentExistsError'
  static readonly code = 'AGENT_EXISTS'
  constructor(options: { agent: string; path: string }) {
    super({
      code: AgentExistsError.code,
      message: `There is an agent's wallet '${options.agent}' already: '${options.path}'.`,
      remedy: 'Choose another name.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** A wallet of agents is on another chain than the one asked. */
export class AgentForeignError extends CliError {
  override readonly name = 'AgentForeignError'
  static readonly code = 'AGENT_FOREIGN'
  constructor(options: { agent: string; chainId: number; asked: number }) {
    super({
      code: AgentForeignError.code,
      message: `The agent's wallet '${options.agent}' is on chain ${options.chainId}, and chain ${options.asked} was asked.`,
      remedy: 'Choose its network with `--network <name>`.',
      exitCode: exitCodes.refused,
      details: options,
    })
  }
}

/** A file of a wallet of agents cannot be used. */
export class AgentFileError extends CliError {
  override readonly name = 'AgentFileError'
  static readonly code = 'AGENT_FILE'
  constructor(options: { path: string; reason: string; cause?: unknown }) {
    super({
      code: AgentFileError.code,
      message: `'${options.path}' cannot be used: ${options.reason}.`,
      remedy: 'Bring back a copy. What the wallet may spend stands on chain and not in this file.',
      exitCode: exitCodes.data,
      details: { path: options.path, reason: options.reason },
      cause: options.cause,
    })
  }
}

/** A policy that was announced still waits for the wallet's delay. */
export class PolicyWaitsError extends CliError {
  override readonly name = 'PolicyWaitsError'
  static readonly code = 'POLICY_WAITS'
  constructor(options: { agent: string; readyAt: number; now: number }) {
    super({
      code: PolicyWaitsError.code,
      message: `The new policy of '${options.agent}' can be applied in ${formatDuration(options.readyAt - options.now)}, from ${new Date(options.readyAt * 1000).toISOString()}.`,
      remedy:
        'Wait until then. To loosen takes the delay that the wallet was made with; to tighten takes none.',
      exitCode: exitCodes.later,
      details: options,
    })
  }
}

/** There is no announced policy that could be applied. */
export class PolicyUnannouncedError extends CliError {
  override readonly name = 'PolicyUnannouncedError'
  static readonly code = 'POLICY_UNANNOUNCED'
  constructor(options: { agent: string }) {
    super({
      code: PolicyUnannouncedError.code,
      message: `No policy of '${options.agent}' waits to be applied: none was announced here, or the guardian vetoed it.`,
      remedy: 'Announce one with `millrace agent policy <name>` and the limits that change.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}
