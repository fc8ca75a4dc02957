/** One GPU as the kernel module shows it under `/proc/driver/nvidia/gpus`. */
export interface ProcGpu {
  readonly model: string
  readonly uuid: string
  readonly bus: string
}

/** Reads one `information` file of `/proc/driver/nvidia/gpus/<bus>/`; null where it names no GPU. */
export function parseProcGpu(text: string): ProcGpu | null {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const at = line.indexOf(':')
    if (at > 0) fields.set(line.slice(0, at).trim(), line.slice(at + 1).trim())
  }
  const uuid = fields.get('GPU UUID') ?? ''
  const bus = fields.get('Bus Location') ?? ''
  if (uuid === '' || bus === '') return null
  return { model: fields.get('Model') ?? '', uuid, bus: bus.toLowerCase() }
}
