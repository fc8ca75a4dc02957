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

/** A change that was announced still waits for the wallet's delay. */
export class PolicyWaitsError extends CliError {
  override readonly name = 'PolicyWaitsError'
  static readonly code = 'POLICY_WAITS'
  constructor(options: { agent: string; readyAt: number; now: number }) {
    super({
      code: PolicyWaitsError.code,
      message: `What was announced for '${options.agent}' can be applied in ${formatDuration(options.readyAt - options.now)}, from ${new Date(options.readyAt * 1000).toISOString()}.`,
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

/** No change that was announced begins like this. */
export class ChangeMissingError extends CliError {
  override readonly name = 'ChangeMissingError'
  static readonly code = 'CHANGE_MISSING'
  constructor(options: { agent: string; prefix: string | null }) {
    const which = options.prefix === null ? 'No change' : `No change '${options.prefix}'`
    super({
      code: ChangeMissingError.code,
      message: `${which} of '${options.agent}' waits: it was never announced, was made, vetoed, or is too old.`,
      remedy: `See \`millrace agent changes ${options.agent}\`.`,
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** Several changes wait, and none was chosen. */
export class ChangeAmbiguousError extends CliError {
  override readonly name = 'ChangeAmbiguousError'
  static readonly code = 'CHANGE_AMBIGUOUS'
  constructor(options: { agent: string; found: readonly string[] }) {
    super({
      code: ChangeAmbiguousError.code,
      message: `${options.found.length} changes of '${options.agent}' wait: ${options.found.map((hash) => hash.slice(0, 14)).join(', ')}.`,
      remedy: 'Give the beginning of one.',
      exitCode: exitCodes.usage,
      details: options,
    })
  }
}

/** No running lease of the agent begins like this, or several do. */
export class AgentLeaseMissingError extends CliError {
  override readonly name = 'AgentLeaseMissingError'
  static readonly code = 'AGENT_LEASE_MISSING'
  constructor(options: { agent: string; prefix: string; known: readonly string[] }) {
    const known = options.known.length === 0 ? 'it has none' : `there are ${options.known.join(', ')}`
    super({
      code: AgentLeaseMissingError.code,
      message: `No single lease of '${options.agent}' begins with '${options.prefix}'; ${known}.`,
      remedy: `See \`millrace agent show ${options.agent}\`.`,
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}

/** There is no wallet of agents at this address, or the key is none of its agents. */
export class AgentUnknownError extends CliError {
  override readonly name = 'AgentUnknownError'
  static readonly code = 'AGENT_UNKNOWN'
  constructor(options: { account: string; agent: string }) {
    super({
      code: AgentUnknownError.code,
      message: `'${options.account}' is no wallet in which '${options.agent}' has a policy.`,
      remedy: 'Ask its owner for both addresses: `millrace agent show <name>` prints them.',
      exitCode: exitCodes.missing,
      details: options,
    })
  }
}
