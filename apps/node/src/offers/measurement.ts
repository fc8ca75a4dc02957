import { readFile } from 'node:fs/promises'
import type { Spec } from '@millrace/sdk'
import { z } from 'zod'
import type { Benchmark } from '../challenge/index.ts'
import type { Machine } from '../detect/index.ts'
import { writeSecret } from '../keys/secretFile.ts'

const measurementSchema = z.object({
  version: z.literal(1),
  cpus: z.number().positive(),
  cpuModel: z.string(),
  gpus: z.array(z.string()),
  cpuGflops: z.number().nonnegative(),
  gpuTflops: z.number().nonnegative(),
  at: z.int().nonnegative(),
})

/** What `millrace node benchmark` measured, and on what: it holds for no other machine. */
export type Measurement = z.output<typeof measurementSchema>

const uuidsOf = ({ gpus }: Pick<Machine, 'gpus'>) => gpus.map(({ uuid }) => uuid).sort()

/** Keeps a benchmark for the offers. Throws the file system's errors. */
export async function writeMeasurement(
  path: string,
  { machine, benchmark }: { readonly machine: Machine; readonly benchmark: Benchmark },
): Promise<void> {
  const { cpus, cpuModel } = machine
  const { cpuGflops, gpuTflops, at } = benchmark
  const measurement: Measurement = {
    ...{ version: 1, cpus, cpuModel, gpus: uuidsOf(machine), cpuGflops, gpuTflops, at },
  }
  await writeSecret(path, `${JSON.stringify(measurement, null, 2)}\n`)
}

/** The benchmark that was kept, or `null`: there is none, it cannot be read, or it is of another machine. */
export async function readMeasurement(path: string, machine: Machine): Promise<Measurement | null> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return null
  }
  const { data } = measurementSchema.safeParse(value)
  if (data === undefined) return null
  const isSame =
    data.cpuModel === machine.cpuModel &&
    data.cpus === machine.cpus &&
    data.gpus.join() === uuidsOf(machine).join()
  return isSame ? data : null
}

/** A slot's share of what the whole machine was measured at: by its CPUs, and by its GPUs. */
export function withMeasurement(spec: Spec, measurement: Measurement | null): Spec {
  if (measurement === null) return spec
  const { cpus, gpus, cpuGflops, gpuTflops, at } = measurement
  return {
    ...spec,
    measured: {
      cpuGflops: tenths(cpuGflops * Math.min(1, spec.cpus / cpus)),
      gpuTflops: gpus.length === 0 ? 0 : tenths((gpuTflops * spec.gpus.length) / gpus.length),
      at,
    },
  }
}

/** Rounded down: a claim is held against what is delivered. */
const tenths = (value: number) => Math.floor(10 * value) / 10
