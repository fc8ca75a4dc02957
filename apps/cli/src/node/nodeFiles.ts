import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Longest path that fits a Unix socket's address on Linux and macOS. */
const longestSocketPath = 100

/** The files of the node of a home that others may use. */
export interface NodeFiles {
  readonly root: string
  /** Settings. */
  readonly config: string
  /** The operator's keystore, and on a local network the file with its passphrase. */
  readonly operatorKey: string
  readonly passphrase: string
  /** Socket on which the node takes commands. */
  readonly control: string
}

/** Paths of the node's files below `home`. */
export function nodeFiles(home: string): NodeFiles {
  const root = join(home, 'node')
  const direct = join(root, 'control.sock')
  const short = join(
    tmpdir(),
    `millrace-${createHash('sha256').update(root).digest('hex').slice(0, 16)}.sock`,
  )
  return {
    root,
    config: join(root, 'config.toml'),
    operatorKey: join(root, 'operator.json'),
    passphrase: join(root, 'operator.passphrase'),
    control: Buffer.byteLength(direct) <= longestSocketPath ? direct : short,
  }
}
