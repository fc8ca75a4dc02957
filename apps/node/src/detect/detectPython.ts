import { runTool } from './detectGpus.ts'

/** A Python that can run the accelerated side of the capacity challenge. */
export interface Python {
  readonly version: string
  /** NumPy's version, null where it is not installed. */
  readonly numpy: string | null
  /** PyTorch's version, null where it is not installed. */
  readonly torch: string | null
  /** GPUs that PyTorch can use. */
  readonly cudaDevices: number
}

// find_spec first: importing PyTorch takes seconds, and most machines have none.
const probe = `
import importlib.util, json, platform
out = {"version": platform.python_version(), "numpy": None, "torch": None, "cudaDevices": 0}
try:
    if importlib.util.find_spec("numpy"):
        import numpy
        out["numpy"] = str(numpy.__version__)
    if importlib.util.find_spec("torch"):
        import torch
        out["torch"] = str(torch.__version__)
        out["cudaDevices"] = int(torch.cuda.device_count()) if torch.cuda.is_available() else 0
except Exception:
    pass
print(json.dumps(out))
`

/** Looks for `python3` and what the challenge can use of it; null where there is none. Never throws. */
export async function detectPython(options: { path: string; timeoutMs: number }): Promise<Python | null> {
  const ran = await runTool('python3', ['-I', '-c', probe], options)
  if (ran.code !== 0) return null
  return parsePython(ran.stdout)
}

/** Reads the probe's last line; null where it is not of the expected form. */
export function parsePython(stdout: string): Python | null {
  const line = stdout.trim().split('\n').at(-1) ?? ''
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || !('version' in value)) return null
  const { version, numpy, torch, cudaDevices } = value as Partial<Record<keyof Python, unknown>>
  if (typeof version !== 'string') return null
  return {
    version,
    numpy: typeof numpy === 'string' ? numpy : null,
    torch: typeof torch === 'string' ? torch : null,
    cudaDevices: typeof cudaDevices === 'number' ? cudaDevices : 0,
  }
}
