export {
  type Benchmark,
  type BenchmarkOptions,
  type BenchmarkProgress,
  benchmarkMachine,
} from './benchmarkMachine.ts'
export {
  type ChallengeHandlerOptions,
  type ChallengeHandlers,
  createChallengeHandlers,
} from './createChallengeHandlers.ts'
export { type GpuEngine, gpuEngine } from './engines.ts'
export * from './errors.ts'
export { multiplyInPython, type PythonEngineOptions } from './multiplyInPython.ts'
export { multiplyOnCpu } from './multiplyOnCpu.ts'
export type { Engine, Product, ProductTask, Unit } from './product.ts'
