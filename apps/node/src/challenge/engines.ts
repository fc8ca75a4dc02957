import { challengeSizes } from '@millrace/sdk/challenge'
import type { Machine } from '../detect/index.ts'
import { multiplyInPython } from './multiplyInPython.ts'
import type { Engine } from './product.ts'

/** How a machine's GPUs take challenges. */
export interface GpuEngine {
  readonly count: number
  /** Largest size that the smallest of them holds. */
  readonly mostRows: number
  /** Multiplies on the first so many. */
  readonly engine: (gpus: number) => Engine
}

/** Share of a GPU's memory that A, B and C may fill; the rest is the driver's and the generator's. */
const usableMemory = 0.85

/** The GPUs as an engine; null where there are none, or no PyTorch that can use them. */
export function gpuEngine(machine: Pick<Machine, 'gpus' | 'python'>): GpuEngine | null {
  const { gpus, python } = machine
  const count = Math.min(gpus.length, python?.torch ? python.cudaDevices : 0)
  if (count === 0) return null
  const least = Math.min(...gpus.map(({ memoryMiB }) => memoryMiB)) * 2 ** 20
  const rows = Math.floor(Math.sqrt((usableMemory * least) / 12) / challengeSizes.step) * challengeSizes.step
  return {
    count,
    mostRows: Math.min(challengeSizes.most, rows),
    engine: (asked) =>
      multiplyInPython({
        engine: 'torch',
        units: gpus.slice(0, asked).map(({ model, uuid }) => ({ name: model, uuid })),
      }),
  }
}
