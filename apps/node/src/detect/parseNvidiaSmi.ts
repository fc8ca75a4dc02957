/** One GPU as the driver's tool names it. */
export interface Gpu {
  readonly index: number
  /** Short name for offers and queries, as in "H100" or "RTX 4090". */
  readonly name: string
  /** The vendor's full name. */
  readonly model: string
  readonly uuid: string
  readonly memoryMiB: number
  readonly driver: string
  /** PCI address, lower case, as in "00000000:1b:00.0". */
  readonly bus: string
}

/** What `nvidia-smi --query-gpu` is asked for, in this order. */
export const nvidiaSmiFields = 'index,name,uuid,memory.total,driver_version,pci.bus_id'

/** Reads the CSV (no header, no units) that `nvidia-smi` prints for {@link nvidiaSmiFields}. Lines of another form are skipped. */
export function parseNvidiaSmi(csv: string): readonly Gpu[] {
  const gpus: Gpu[] = []
  for (const line of csv.split('\n')) {
    const fields = line.split(',').map((field) => field.trim())
    const [index, model, uuid, memory, driver, bus] = fields
    if (fields.length !== 6 || !model || !uuid || !driver || !bus) continue
    if (!/^\d+$/.test(index ?? '') || !/^\d+$/.test(memory ?? '') || !/^GPU-/.test(uuid)) continue
    gpus.push({
      index: Number(index),
      name: shortGpuName(model),
      model,
      uuid,
      memoryMiB: Number(memory),
      driver,
      bus: bus.toLowerCase(),
    })
  }
  return gpus
}

/** "NVIDIA H100 80GB HBM3" → "H100"; "NVIDIA GeForce RTX 4090" → "RTX 4090". Memory, bus and brand stand elsewhere. */
export function shortGpuName(model: string): string {
  const short = model
    .replace(/^(NVIDIA|Tesla)\s+/i, '')
    .replace(/^(NVIDIA|Tesla|GeForce|Quadro)\s+/i, '')
    .replace(/[\s-]+\d+\s?GB\b/gi, '')
    .replace(/[\s-]+(HBM\d\w*|PCIe|SXM\d?|NVL|Generation)\b/gi, '')
    .trim()
  return short === '' ? model : short
}
