import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'

/** The last `bytes` of a log, from the start of a line where more was cut off. */
export function logTail(path: string, bytes: number): string {
  if (!existsSync(path)) return ''
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const buffer = Buffer.alloc(Math.min(size, bytes))
    const read = readSync(file, buffer, 0, buffer.length, size - buffer.length)
    const text = buffer.subarray(0, read).toString('utf8')
    return read === size ? text : text.slice(text.indexOf('\n') + 1)
  } finally {
    closeSync(file)
  }
}
