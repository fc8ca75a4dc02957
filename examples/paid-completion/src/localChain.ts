import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { confirm, deployLocal, mintTestDollars } from '@millrace/sdk'
import { createTestClient, createWalletClient, type Hex, http, publicActions } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'

const require = createRequire(import.meta.url)
const mnemonic = 'test test test test test test test test test test test junk'

/** A funded account of Anvil. */
export const accountAt = (addressIndex: number) => mnemonicToAccount(mnemonic, { addressIndex })

/** Anvil on a free port, with its own clients; `stop` ends it. */
export async function startAnvil(flags: readonly string[] = []) {
  const platform = process.platform
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const binary = require.resolve(`@foundry-rs/anvil-${platform}-${arch}/bin/anvil`)
  const child = spawn(binary, ['--port', '0', '--host', '127.0.0.1', ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new RangeError(`anvil ended with ${code}`)))
    createInterface(child.stdout).on('line', (line) => {
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    })
  })
  const transport = http(url, { retryCount: 0 })
  const options = { chain: foundry, transport, pollingInterval: 20 } as const
  const walletOf = (index: number) => createWalletClient({ ...options, account: accountAt(index) })
  return {
    url,
    child,
    walletOf,
    client: createTestClient({ ...options, mode: 'anvil' }).extend(publicActions),
    stop: () =>
      new Promise<void>((done) => {
        if (child.exitCode !== null) return done()
        child.once('exit', () => done())
        child.kill('SIGKILL')
      }),
  }
}

/** Anvil with Millrace on it and test dollars for accounts 0 to 5. */
export async function startLocalChain(options: Parameters<typeof deployLocal>[1] = {}) {
  const anvil = await startAnvil()
  const admin = anvil.walletOf(0)
  const deployment = await deployLocal(admin, options)
  const [currency] = deployment.currencies
  if (currency === undefined) throw new RangeError('a local deployment has a currency')
  for (let index = 0; index < 6; index++) {
    const hash: Hex = await mintTestDollars(admin, {
      currency: currency.address,
      to: accountAt(index).address,
      amount: 1_000_000_000n,
    })
    await confirm(admin, hash)
  }
  return { ...anvil, deployment, currency }
}

export type LocalChain = Awaited<ReturnType<typeof startLocalChain>>
export type LocalWallet = ReturnType<LocalChain['walletOf']>
