export {
  type ChallengeHandlerOptions,
  type ChallengeHandlers,
  createChallengeHandlers,
} from './createChallengeHandlers.ts'
export * from './errors.ts'
export { multiplyOnCpu } from './multiplyOnCpu.ts'
export type { Engine, Product, ProductTask, Unit } from './product.ts'
