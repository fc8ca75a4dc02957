import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { compareGpus, type Finding } from './compareGpus.ts'
import { type Gpu, nvidiaSmiFields, parseNvidiaSmi } from './parseNvidiaSmi.ts'
import { type ProcGpu, parseProcGpu } from './parseProcGpu.ts'
import { readText } from './readLimits.ts'

/** A program's answer; code null where it could not be started or ran past its time. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly missing: boolean
}

/** Starts a program found on `path` and returns what it wrote to standard output. */
export function runTool(
  file: string,
  args: readonly string[],
  options: { path: string; timeoutMs: number },
): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      {
        timeout: options.timeoutMs,
        maxBuffer: 1 << 20,
        env: { ...process.env, PATH: options.path, LC_ALL: 'C' },
      },
      (error, stdout) => {
        if (error === null) return resolve({ code: 0, stdout, missing: false })
        const missing = error.code === 'ENOENT' || error.code === 'EACCES'
        resolve({ code: typeof error.code === 'number' ? error.code : null, stdout, missing })
      },
    )
  })
}

/** The GPUs that the driver's tool and its kernel module name, and where the two disagree. */
export async function detectGpus(options: { root: string; path: string; timeoutMs: number }) {
  const kernel = await readProcGpus(options.root)
  const ran = await runTool(
    'nvidia-smi',
    [`--query-gpu=${nvidiaSmiFields}`, '--format=csv,noheader,nounits'],
    options,
  )
  const findings: Finding[] = []
  let gpus: readonly Gpu[] = []
  if (ran.missing) {
    if (kernel !== null && kernel.length > 0) {
      findings.push({
        code: 'GPU_TOOL_MISSING',
        message: `the kernel module shows ${kernel.length} GPUs, but there is no nvidia-smi on PATH: they are not offered`,
      })
    }
  } else if (ran.code !== 0) {
    findings.push({
      code: 'GPU_TOOL_FAILED',
      message: `nvidia-smi ended with ${ran.code ?? 'no answer'}: no GPU is offered`,
    })
  } else {
    gpus = parseNvidiaSmi(ran.stdout)
    findings.push(...compareGpus(gpus, kernel))
  }
  return { gpus, findings }
}

async function readProcGpus(root: string): Promise<readonly ProcGpu[] | null> {
  const folder = join(root, 'proc/driver/nvidia/gpus')
  const names = await readdir(folder).catch(() => null)
  if (names === null) return null
  const gpus: ProcGpu[] = []
  for (const name of names.sort()) {
    const gpu = parseProcGpu((await readText(join(folder, name, 'information'))) ?? '')
    if (gpu !== null) gpus.push(gpu)
  }
  return gpus
}
