import type { Address } from 'viem'
import { MillraceError } from './MillraceError.ts'

/** No deployment is known for a chain. */
export class DeploymentUnknownError extends MillraceError {
  override readonly name = 'DeploymentUnknownError'
  static readonly code = 'DEPLOYMENT_UNKNOWN'
  constructor(options: { chainId: number; known: readonly number[] }) {
    const known = options.known.length === 0 ? 'none' : options.known.join(', ')
    super({
      code: DeploymentUnknownError.code,
      message: `No deployment is known for chain ${options.chainId}; known: ${known}.`,
      remedy: 'Name the deployment file of the chain, or ask a gateway of it.',
      details: options,
    })
  }
}

/** A deployment has no contracts of agents' wallets: it was made before there were any. */
export class AgentContractsUnknownError extends MillraceError {
  override readonly name = 'AgentContractsUnknownError'
  static readonly code = 'AGENT_CONTRACTS_UNKNOWN'
  constructor(options: { chainId: number; till: Address }) {
    super({
      code: AgentContractsUnknownError.code,
      message: `The deployment with till '${options.till}' on chain ${options.chainId} names no contracts of agents' wallets.`,
      remedy:
        'Name them in the deployment as `agents`, or bring the local network up again: it deploys what is missing.',
      details: options,
    })
  }
}

/** A transaction of the deployment went through, and the contract is not there. */
export class DeploymentFailedError extends MillraceError {
  override readonly name = 'DeploymentFailedError'
  static readonly code = 'DEPLOYMENT_FAILED'
  constructor(options: { contract: string; address: Address; cause?: unknown }) {
    super({
      code: DeploymentFailedError.code,
      message: `Contract '${options.contract}' is not at '${options.address}' after its deployment.`,
      remedy: 'Check that the chain allows contracts of this size and knows the opcodes of Cancun.',
      details: { contract: options.contract, address: options.address },
      cause: options.cause,
    })
  }
}

/** A deployment has no contracts of credit: it was made before there were any. */
export class CreditContractsUnknownError extends MillraceError {
  override readonly name = 'CreditContractsUnknownError'
  static readonly code = 'CREDIT_CONTRACTS_UNKNOWN'
  constructor(options: { chainId: number; till: Address }) {
    super({
      code: CreditContractsUnknownError.code,
      message: `The deployment with till '${options.till}' on chain ${options.chainId} names no contracts of credit.`,
      remedy:
        'Name them in the deployment as `credit`, or bring the local network up again: it deploys what is missing.',
      details: options,
    })
  }
}
