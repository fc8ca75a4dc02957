import { readFileSync } from 'node:fs'
import { createConfig } from 'ponder'

const { abis, addresses } = JSON.parse(readFileSync('./contracts.json', 'utf8'))

export default createConfig({
  database: { kind: 'pglite', directory: './pglite' },
  chains: { local: { id: 31337, rpc: process.env.RPC_URL ?? '' } },
  contracts: {
    Assets: { abi: abis.assets, chain: 'local', address: addresses.assets, startBlock: 0 },
    Till: { abi: abis.till, chain: 'local', address: addresses.till, startBlock: 0 },
    Market: { abi: abis.market, chain: 'local', address: addresses.market, startBlock: 0 },
  },
})
