import type { Facility } from '../credit/getFacility.ts'
import type { Deployment } from '../deployments/deployment.ts'

/** A period in the life of a facility. */
export interface FacilityPeriod {
  readonly deployment: Deployment
  /** From `getFacility`. */
  readonly facility: Facility
  /** Block in which the facility was created: `getFacilityRules` knows it. */
  readonly createdIn: bigint
  /** First and last block of the period. */
  readonly fromBlock: bigint
  readonly toBlock: bigint
}
