import type { Gpu } from './parseNvidiaSmi.ts'
import type { ProcGpu } from './parseProcGpu.ts'

/** Something about the machine that its operator and a buyer should know. */
export interface Finding {
  readonly code:
    | 'GPU_COUNT_DIFFERS'
    | 'GPU_UUID_DIFFERS'
    | 'GPU_UUID_TWICE'
    | 'GPU_TOOL_MISSING'
    | 'GPU_TOOL_FAILED'
  readonly message: string
}

/**
 * Compares what `nvidia-smi` says with what the kernel module says. A replaced tool or a replaced library on one
 * surface shows as a difference to the other; agreement proves nothing, which is what the capacity challenge is for.
 * @param kernel Null where the module shows nothing (not loaded, or a container without it): no comparison is made.
 */
export function compareGpus(tool: readonly Gpu[], kernel: readonly ProcGpu[] | null): readonly Finding[] {
  const findings: Finding[] = []
  const seen = new Set<string>()
  for (const { uuid } of tool) {
    if (seen.has(uuid))
      findings.push({ code: 'GPU_UUID_TWICE', message: `nvidia-smi names "${uuid}" more than once` })
    seen.add(uuid)
  }
  if (kernel === null) return findings
  if (kernel.length !== tool.length) {
    findings.push({
      code: 'GPU_COUNT_DIFFERS',
      message: `nvidia-smi names ${tool.length} GPUs, the kernel module ${kernel.length}`,
    })
  }
  const known = new Set(kernel.map((gpu) => gpu.uuid))
  for (const uuid of seen) {
    // The module prints question marks until the GPU was first initialised.
    if (known.has(uuid) || [...known].some((other) => other.includes('?'))) continue
    findings.push({ code: 'GPU_UUID_DIFFERS', message: `the kernel module knows no GPU "${uuid}"` })
  }
  return findings
}
