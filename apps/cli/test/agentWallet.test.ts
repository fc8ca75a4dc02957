import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createProgram } from '../src/program.ts'

/** The guide, as a reader follows it: its commands one after another, on a network of its own. */
const guide = readFileSync(new URL('../../../docs/guides/agent-wallet.md', import.meta.url), 'utf8')
const bin = fileURLToPath(new URL('../bin/millrace.mjs', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'millrace-agent-'))
const tools = join(work, 'bin')
const env = {
  ...process.env,
  MILLRACE_HOME: join(work, 'home'),
  MILLRACE_PASSPHRASE: 'a passphrase of the test',
  NO_COLOR: '1',
  PATH: `${tools}${delimiter}${process.env.PATH ?? ''}`,
}

function shell(script: string): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
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
}

/** The same command inside this process, which is quicker: what it throws is what the command would report. */
const run = (command: string) =>
  createProgram().parseAsync(['node', 'millrace', '--json', ...command.split(' ')])

beforeAll(async () => {
  mkdirSync(tools)
  writeFileSync(join(tools, 'millrace'), `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`)
  chmodSync(join(tools, 'millrace'), 0o755)
  const { code, err } = await shell('millrace up --detach --without-node --chain-port 0 --gateway-port 0')
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' })
}, 300_000)
afterAll(async () => {
  await shell('millrace down')
  rmSync(work, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 })
}, 120_000)

describe('the guide', () => {
  const lines = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block = '']) => block.trim().split('\n'))
    .filter((line) => !line.startsWith('millrace up '))

  test('default: every command does what the guide says', async () => {
    expect(lines.length).toBeGreaterThan(12)
    for (const line of lines) {
      const [command = '', refusal] = line.split(' # refused: ')
      // Programs are told the code, which the guide names; people read a sentence.
      const said = refusal === undefined ? command : command.replace('millrace ', 'millrace --json ')
      const { code, out, err } = await shell(said)
      if (refusal === undefined)
        expect({ line, code, err: code === 0 ? '' : err }).toEqual({ line, code: 0, err: '' })
      else
        expect({ line, refused: code !== 0, said: `${out}${err}` }).toEqual({
          line,
          refused: true,
          said: expect.stringContaining(refusal),
        })
    }
    const answer = JSON.parse((await shell('millrace --json agent show shopper')).out)
    expect(answer).toMatchObject({
      name: 'shopper',
      paused: false,
      balance: '18250000',
      exposure: '0',
      delay: 3600,
    })
    expect(answer.policy).toMatchObject({ perPayment: '1500000', perPeriod: '5000000', budget: '48250000' })
  }, 900_000)

  test('error: what is wrong is said by its code', async () => {
    const payee = '0x00000000000000000000000000000000000000fe'
    const wrong: [string, string][] = [
      ['agent show nobody', 'AGENT_MISSING'],
      ['agent new shopper --agent bot --per-period 5 --budget 50', 'AGENT_EXISTS'],
      ['agent new other --agent bot', 'USAGE'],
      ['agent new other --agent nobody --per-period 5 --budget 50', 'WALLET_MISSING'],
      ['agent pay shopper nowhere 1', 'USAGE'],
      ['agent new other --agent bot --per-period 5 --budget 50 --to nowhere', 'USAGE'],
      [`agent pay shopper ${payee} 1 --ref one`, 'USAGE'],
      [`agent pay shopper ${payee} much`, 'AMOUNT_INVALID'],
      ['agent unpause shopper --wallet bot', 'NOT_ACCOUNT_OWNER'],
    ]
    vi.stubEnv('MILLRACE_HOME', env.MILLRACE_HOME)
    vi.stubEnv('MILLRACE_PASSPHRASE', env.MILLRACE_PASSPHRASE)
    const file = join(env.MILLRACE_HOME, 'agents', 'shopper.json')
    const kept = readFileSync(file, 'utf8')
    try {
      for (const [command, code] of wrong) await expect(run(command), command).rejects.toMatchObject({ code })
      writeFileSync(file, JSON.stringify({ ...JSON.parse(kept), announced: null }))
      await expect(run('agent policy shopper --apply')).rejects.toMatchObject({ code: 'POLICY_UNANNOUNCED' })
      writeFileSync(file, JSON.stringify({ ...JSON.parse(kept), chainId: 7 }))
      await expect(run('agent show shopper')).rejects.toMatchObject({ code: 'AGENT_FOREIGN' })
      writeFileSync(file, '{')
      await expect(run('agent show shopper')).rejects.toMatchObject({ code: 'AGENT_FILE' })
    } finally {
      vi.unstubAllEnvs()
      writeFileSync(file, kept)
    }
  }, 300_000)
})
