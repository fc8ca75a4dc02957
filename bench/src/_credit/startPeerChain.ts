import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { createTestClient, createWalletClient, type Hash, http, publicActions } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'

const require = createRequire(import.meta.url)
const mnemonic = 'test test test test test test test test test test test junk'

/** A chain of its own for a peer's contracts, with two funded wallets. */
export async function startPeerChain() {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const binary = require.resolve(`@foundry-rs/anvil-${process.platform}-${arch}/bin/anvil`)
  const child = spawn(binary, ['--port', '0', '--host', '127.0.0.1'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new RangeError(`anvil ended with ${code}`)))
    createInterface(child.stdout).on('line', (line) => {
      const port = /Listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    })
  })
  const options = { chain: foundry, transport: http(url), pollingInterval: 20 } as const
  const client = createTestClient({ ...options, mode: 'anvil' }).extend(publicActions)
  const walletOf = (addressIndex: number) =>
    createWalletClient({ ...options, account: mnemonicToAccount(mnemonic, { addressIndex }) })
  return {
    wallet: walletOf(0),
    other: walletOf(1),
    async confirm(hash: Hash) {
      const receipt = await client.waitForTransactionReceipt({ hash })
      if (receipt.status !== 'success') throw new RangeError(`transaction ${hash} failed`)
      return receipt
    },
    async wait(seconds: number) {
      await client.increaseTime({ seconds })
      await client.mine({ blocks: 1 })
    },
    async stop() {
      child.removeAllListeners('exit')
      child.kill()
    },
  }
}
