import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GpuNotFoundError } from '../errors.ts'

/** Devices every CUDA program opens besides the GPU's own. */
const SHARED_DEVICES = ['nvidiactl', 'nvidia-uvm', 'nvidia-uvm-tools', 'nvidia-modeset']

/**
 * Device files of the leased GPUs, each named by index (`0`) or uuid (`GPU-…`), and the shared ones they need; none for
 * no GPUs. `roots` lets tests give a copy of the layout. Throws `GpuNotFoundError`.
 */
export function gpuDevices(
  gpus: readonly string[],
  roots: { readonly dev: string; readonly proc: string } = { dev: '/dev', proc: '/proc/driver/nvidia/gpus' },
): string[] {
  if (gpus.length === 0) return []
  const byUuid = readUuids(roots.proc)
  const own = gpus.map((gpu) => {
    const minor = /^\d+$/.test(gpu) ? gpu : byUuid.get(gpu)
    const device = join(roots.dev, `nvidia${minor}`)
    if (minor === undefined || !existsSync(device))
      throw new GpuNotFoundError({ gpu, present: [...byUuid].map(([uuid, index]) => `${index} (${uuid})`) })
    return device
  })
  const shared = SHARED_DEVICES.map((name) => join(roots.dev, name)).filter((path) => existsSync(path))
  return [...new Set([...own, ...shared])]
}

/** The driver tells each card's uuid and device number in `<proc>/<pci address>/information`. */
function readUuids(proc: string): Map<string, string> {
  const uuids = new Map<string, string>()
  if (!existsSync(proc)) return uuids
  for (const card of readdirSync(proc)) {
    const text = readFileSync(join(proc, card, 'information'), 'utf8')
    const uuid = text.match(/^GPU UUID:\s*(\S+)/m)?.[1]
    const minor = text.match(/^Device Minor:\s*(\d+)/m)?.[1]
    if (uuid !== undefined && minor !== undefined) uuids.set(uuid, minor)
  }
  return uuids
}
