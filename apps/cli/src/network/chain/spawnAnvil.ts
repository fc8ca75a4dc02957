import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { AnvilUnavailableError } from './errors.ts'
import { type JsonRpcClient, jsonRpcClient } from './jsonRpcClient.ts'

export interface AnvilOptions {
  readonly chainId: number
  /** Timestamp of block 0, in Unix seconds. Part of its hash. */
  readonly genesisTime: number
  /** A folder for Anvil's own scratch files; wiped at each start. */
  readonly scratch: string
}

export interface Anvil {
  readonly pid: number
  readonly rpc: JsonRpcClient
  /** Resolves when the process has ended, however it ended. */
  readonly exited: Promise<string>
  kill(): Promise<void>
}

const platforms: Record<string, string> = { linux: 'linux', darwin: 'darwin', win32: 'win32' }
const architectures: Record<string, string> = { x64: 'amd64', arm64: 'arm64' }

/**
 * Path of the Anvil binary of this platform. The package's own launcher is not used: it is a second process between
 * us and Anvil, and killing it leaves Anvil behind.
 */
export function anvilBinary(): string {
  const name = `anvil-${platforms[process.platform]}-${architectures[process.arch]}`
  try {
    // The platform's package stands beside the one we depend on, wherever npm put that.
    const require = createRequire(createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'))
    return require.resolve(`@foundry-rs/${name}/bin/anvil${process.platform === 'win32' ? '.exe' : ''}`)
  } catch (cause) {
    throw new AnvilUnavailableError({ reason: `there is no package '@foundry-rs/${name}'`, cause })
  }
}

/**
 * Starts Anvil on a free port of 127.0.0.1, mining only when told, so that equal calls make equal blocks.
 *
 * @throws AnvilUnavailableError if it does not come up.
 */
export async function spawnAnvil(options: AnvilOptions): Promise<Anvil> {
  rmSync(options.scratch, { recursive: true, force: true })
  mkdirSync(options.scratch, { recursive: true })
  const child = spawn(
    anvilBinary(),
    [
      ...['--host', '127.0.0.1', '--port', '0', '--chain-id', String(options.chainId)],
      ...['--timestamp', String(options.genesisTime), '--hardfork', 'prague'],
      // No unlocked accounts with well-known keys; the faucet gives money to anyone.
      ...['--accounts', '0', '--no-mining', '--prune-history', '256'],
    ],
    // Anvil writes scratch files below HOME.
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH ?? '', HOME: options.scratch } },
  )
  const exited = new Promise<string>((done) =>
    child.once('exit', (code, signal) => done(signal ?? `exit code ${code}`)),
  )
  const port = await listeningPort(child, exited)
  const rpc = jsonRpcClient({ host: '127.0.0.1', port })
  // A front that dies in any way but `kill -9` takes Anvil with it.
  const killAtExit = () => child.kill('SIGKILL')
  process.once('exit', killAtExit)
  void exited.then(() => {
    process.off('exit', killAtExit)
    rpc.close()
  })
  return {
    pid: child.pid ?? -1,
    rpc,
    exited,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

function listeningPort(child: ChildProcess, exited: Promise<string>): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = ''
    const fail = (reason: string, cause?: unknown) => reject(new AnvilUnavailableError({ reason, cause }))
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      fail('it did not listen within 20 seconds')
    }, 20_000)
    child.once('error', (cause) => fail(cause.message, cause))
    void exited.then((how) => fail(`it ended with ${how}: ${output.slice(-400).trim()}`))
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4096)
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(output)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      // Both pipes are drained for ever, or Anvil would block on a full one.
      child.stdout?.removeAllListeners('data').resume()
      child.stderr?.removeAllListeners('data').resume()
      resolve(Number(port))
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
  })
}

export const anvilScratch = (folder: string) => join(folder, 'anvil')
