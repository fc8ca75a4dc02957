import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

const bin = fileURLToPath(new URL('../bin/millrace.mjs', import.meta.url))
const lastLine = (text: string) => JSON.parse(text.trim().split('\n').at(-1) ?? 'null')

/** What a child process printed by its end. */
export async function ended(child: ChildProcess) {
  let [out, err] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out, err }
}

/** Ends a command with all that it started; one that has ended is left alone. */
export async function kill(child: ChildProcess | null, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-child.pid, signal)
  await gone
}

/** The address of what `millrace sell` sells, once it says so. */
export const sellingAt = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = ''
    child.once('exit', (code) => reject(new RangeError(`the seller ended with ${code}: ${said}`)))
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        said += chunk
        const found = /"event":"selling","url":"([^"]+)"/.exec(said)?.[1]
        if (found !== undefined) resolve(found)
      })
  })

/** A home for `millrace` as child processes, each in a group of its own, in JSON, and a local network of its own. */
export function makeCommandHome(name: string) {
  const work = mkdtempSync(join(tmpdir(), `millrace-${name}-`))
  const home = join(work, 'home')
  const passphrase = 'a passphrase of the test'
  const passphraseFile = join(work, 'passphrase')
  writeFileSync(passphraseFile, passphrase)
  const env = {
    ...process.env,
    ...{ MILLRACE_HOME: home, MILLRACE_PASSPHRASE: passphrase, MILLRACE_NO_CHALLENGES: '1', NO_COLOR: '1' },
  }
  const start = (args: readonly string[]) =>
    spawn(process.execPath, [bin, '--json', ...args], {
      ...{ cwd: work, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    })
  const millrace = (...args: string[]) => ended(start(args))

  /** What a command answers that succeeds. */
  async function done(...args: string[]) {
    const { code, out, err } = await millrace(...args)
    expect({ args, code, err: code === 0 ? '' : `${out}${err}` }).toEqual({ args, code: 0, err: '' })
    return lastLine(out)
  }

  return {
    ...{ work, home, passphraseFile, start, millrace, done },
    /** The error of a command that fails. */
    async refused(...args: string[]) {
      const { code, out, err } = await millrace(...args)
      expect(code).not.toBe(0)
      return lastLine(`${out}${err}`).error
    },
    /** The network, without a machine, and wallets with ten dollars each. */
    async up(wallets: readonly string[]): Promise<void> {
      await done('up', '--detach', '--without-node', '--chain-port', '0', '--gateway-port', '0')
      for (const wallet of wallets) {
        await done('wallet', 'new', wallet)
        await done('wallet', 'faucet', '10', '--wallet', wallet)
      }
    },
    async down(): Promise<void> {
      await millrace('down')
      rmSync(work, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
    },
  }
}
