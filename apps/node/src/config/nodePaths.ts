import { createHash } from 'node:crypto'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where the node keeps what: everything below `<home>/node`. */
export interface NodePaths {
  readonly home: string
  readonly root: string
  readonly config: string
  readonly deviceKey: string
  readonly sessionKey: string
  readonly operatorKey: string
  readonly passphrase: string
  readonly journal: string
  readonly haggles: string
  readonly leases: string
  readonly runner: string
  readonly lock: string
  readonly control: string
  readonly benchmark: string
}

/** Longest path that fits a Unix socket's address on Linux and macOS. */
const SOCKET_PATH_MAX = 100

/** The home of Millrace: `home`, else MILLRACE_HOME, else `~/.millrace`. */
export function millraceHome(home?: string): string {
  return home ?? process.env.MILLRACE_HOME ?? join(homedir(), '.millrace')
}

/** All paths of the node of `home`. The control socket moves to the temp folder where the home's path is too long for one. */
export function nodePaths(home?: string): NodePaths {
  const base = millraceHome(home)
  const root = join(base, 'node')
  const direct = join(root, 'control.sock')
  const short = join(
    tmpdir(),
    `millrace-${createHash('sha256').update(root).digest('hex').slice(0, 16)}.sock`,
  )
  return {
    home: base,
    root,
    config: join(root, 'config.toml'),
    deviceKey: join(root, 'device.key'),
    sessionKey: join(root, 'session.key'),
    operatorKey: join(root, 'operator.json'),
    passphrase: join(root, 'operator.passphrase'),
    journal: join(root, 'journal.jsonl'),
    haggles: join(root, 'haggles.jsonl'),
    leases: join(root, 'leases'),
    runner: join(root, 'runner'),
    lock: join(root, 'lock'),
    benchmark: join(root, 'benchmark.json'),
    control: Buffer.byteLength(direct) <= SOCKET_PATH_MAX ? direct : short,
  }
}
