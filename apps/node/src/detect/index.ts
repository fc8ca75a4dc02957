export type { Finding } from './compareGpus.ts'
export { type DetectOptions, detectMachine, type Machine } from './detectMachine.ts'
export type { Python } from './detectPython.ts'
export { type Gpu, shortGpuName } from './parseNvidiaSmi.ts'
