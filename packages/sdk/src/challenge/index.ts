export {
  type ChallengeOptions,
  type ChallengeReason,
  type ChallengeResult,
  type ChallengeSession,
  challengeMachine,
} from './challengeMachine.ts'
export { type ClaimVerdict, compareClaim } from './compareClaim.ts'
export { checkVectors, writeState } from './createExpander.ts'
export { ChallengeSizeError } from './errors.ts'
export { expandEntries, generatorState, type Part, vectorCount } from './generator.ts'
export { assembleKernels, blockRows, type Kernels, tile } from './kernels.ts'
export { challengeSizes, isChallengeSize, mostOpenings, revealChunk } from './limits.ts'
export { hashRow, merkleLevels, merkleProof, merkleProofLength, merkleRoot } from './merkle.ts'
export { encodeOpening, type Opening, openingSize } from './opening.ts'
export { sizeForRate } from './sizeForRate.ts'
export { missedShare, missProbability, residualTolerance } from './tolerance.ts'
export {
  type OpeningProblem,
  type OpeningToVerify,
  type OpeningVerdict,
  verifyOpening,
} from './verifyOpening.ts'
