import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Longest path that fits a Unix socket's address on Linux and macOS. */
const longestSocketPath = 100

/** The files of the node of a home that others may use: its settings, and the socket on which it takes commands. */
export function nodeFiles(home: string): {
  readonly root: string
  readonly config: string
  readonly control: string
} {
  const root = join(home, 'node')
  const direct = join(root, 'control.sock')
  const short = join(
    tmpdir(),
    `millrace-${createHash('sha256').update(root).digest('hex').slice(0, 16)}.sock`,
  )
  return {
    root,
    config: join(root, 'config.toml'),
    control: Buffer.byteLength(direct) <= longestSocketPath ? direct : short,
  }
}
