import { MillraceError } from './MillraceError.ts'

/** A registry of ERC-8004 refused, in words of its own. */
export class RegistryRefusedError extends MillraceError {
  override readonly name = 'RegistryRefusedError'
  static readonly code = 'REGISTRY_REFUSED'
  constructor(options: { registry: string; reason: string; cause?: unknown }) {
    super({
      code: RegistryRefusedError.code,
      message: `The registry '${options.registry}' refused: ${options.reason}.`,
      remedy: "An agent's own people give it no feedback, and values have at most 18 decimals.",
      details: { registry: options.registry, reason: options.reason },
      cause: options.cause,
    })
  }
}
