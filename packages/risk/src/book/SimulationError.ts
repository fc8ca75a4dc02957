import { RiskError } from '../errors/RiskError.ts'

/** A thread of a simulation ended before its work was done. */
export class SimulationError extends RiskError {
  override readonly name = 'SimulationError'
  constructor(options: { readonly cause: unknown }) {
    super({
      code: 'SIMULATION_FAILED',
      message: `A thread of the simulation ended early (${options.cause}).`,
      remedy: 'Check that memory suffices, or simulate fewer paths at once with `simulateLosses`.',
      details: options,
    })
  }
}
