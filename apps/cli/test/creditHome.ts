import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
import { createProgram } from '../src/program.ts'

const bin = fileURLToPath(new URL('../bin/millrace.mjs', import.meta.url))

/** A home with a local network of its own, for commands that are run from its folder; `stop` ends all of it. */
export async function startCreditHome() {
  const work = mkdtempSync(join(tmpdir(), 'millrace-credit-'))
  const tools = join(work, 'bin')
  const own = { MILLRACE_HOME: join(work, 'home'), MILLRACE_PASSPHRASE: 'a passphrase of the test' }
  const path = `${tools}${delimiter}${process.env.PATH ?? ''}`
  const env = { ...process.env, ...own, NO_COLOR: '1', PATH: path }
  const before = process.cwd()

  const shell = (script: string): Promise<{ code: number | null; out: string; err: string }> =>
    new Promise((resolve) => {
      const child = spawn('sh', ['-c', script], { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] })
      let [out, err] = ['', '']
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk
      })
      child.stderr.on('data', (chunk: Buffer) => {
        err += chunk
      })
      child.once('close', (code) => resolve({ code, out, err }))
    })

  /** The same command inside this process, which is quicker: what it prints, or what it throws. */
  const run = async (command: string, mode: readonly string[] = ['--json']): Promise<string> => {
    let out = ''
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      out += chunk
      return true
    })
    for (const [name, value] of Object.entries(own)) vi.stubEnv(name, value)
    try {
      await createProgram().parseAsync(['node', 'millrace', ...mode, ...command.split(' ')])
    } finally {
      write.mockRestore()
      vi.unstubAllEnvs()
    }
    return out
  }

  mkdirSync(tools)
  writeFileSync(join(tools, 'millrace'), `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`)
  chmodSync(join(tools, 'millrace'), 0o755)
  const up = await shell('millrace --json up --detach --without-node --chain-port 0 --gateway-port 0')
  expect({ code: up.code, err: up.code === 0 ? '' : up.err }).toEqual({ code: 0, err: '' })
  process.chdir(work)
  const rpc = String(JSON.parse(up.out.trim().split('\n').at(-1) ?? '{}').rpc)

  return {
    ...{ work, home: own.MILLRACE_HOME, passphrase: own.MILLRACE_PASSPHRASE, shell, run },
    json: async (command: string) => JSON.parse(await run(command)) as Record<string, unknown>,
    /** Moves the chain's clock on. */
    async pass(seconds: number) {
      for (const [method, params] of [
        ['evm_increaseTime', [seconds]],
        ['evm_mine', []],
      ]) {
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(rpc, { method: 'POST', headers, body })
        expect(await answer.json()).not.toHaveProperty('error')
      }
    },
    async stop() {
      process.chdir(before)
      await shell('millrace down')
      rmSync(work, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
    },
  }
}
