import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SyntheticBlock, SyntheticChain } from './SyntheticChain.ts'

/** What a served RPC does wrong to one request. */
export type Fault =
  | 'none'
  /** HTTP 500. */
  | 'error'
  /** The connection is cut before an answer. */
  | 'cut'
  /** Headers, then nothing. */
  | 'stall'
  /** Logs in another order. */
  | 'shuffled'
  /** The newest block is known, its logs are not yet. */
  | 'late-logs'
  /** The last logs of the answer are missing. */
  | 'truncated'
  /** A log of a block outside the range. */
  | 'outside'
  /** Not JSON. */
  | 'garbage'

/** A JSON-RPC server on 127.0.0.1 in front of a synthetic chain. */
export interface ServedChain {
  readonly url: string
  /** Requests so far, by method. */
  readonly requests: Map<string, number>
  close(): Promise<void>
}

/** How a chain is served. */
export interface ServeOptions {
  readonly chainId?: number
  /** More logs than this are refused. */
  readonly maxLogs?: number
  /** Decides for each HTTP request what goes wrong. */
  readonly fault?: () => Fault
  /** The port; free by default. */
  readonly port?: number
}

interface Request {
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

interface Filter {
  readonly fromBlock?: string
  readonly toBlock?: string
  readonly blockHash?: string
  readonly address?: string | readonly string[]
  readonly topics?: readonly (string | readonly string[] | null)[]
}

/** Serves the chain as it is at each request. */
export async function serveChain(chain: SyntheticChain, options: ServeOptions = {}): Promise<ServedChain> {
  const { chainId = 31_337, maxLogs = 10_000, fault = () => 'none' } = options
  const requests = new Map<string, number>()

  function answer(request: Request, wrong: Fault): unknown {
    const { id, method, params } = request
    requests.set(method, (requests.get(method) ?? 0) + 1)
    const reply = (result: unknown) => ({ jsonrpc: '2.0', id, result })
    const refuse = (message: string) => ({ jsonrpc: '2.0', id, error: { code: -32_005, message } })
    switch (method) {
      case 'eth_chainId':
        return reply(hex(chainId))
      case 'eth_blockNumber':
        return reply(hex(chain.head.number))
      case 'eth_getBlockByNumber':
        return reply(headerOf(chain, String(params[0]), params[1] === true))
      case 'eth_getBlockByHash':
        return reply(headerOf(chain, String(params[0]), params[1] === true))
      case 'eth_getLogs': {
        const logs = logsOf(chain, params[0] as Filter, maxLogs)
        if (logs === undefined) return refuse(`query returned more than ${maxLogs} results`)
        return reply(spoil(logs, wrong, chain))
      }
      default:
        return refuse(`the method ${method} does not exist`)
    }
  }

  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const wrong = fault()
    if (spoilResponse(response, wrong)) return
    const request = JSON.parse(Buffer.concat(chunks).toString())
    const body = Array.isArray(request)
      ? request.map((one: Request) => answer(one, wrong))
      : answer(request, wrong)
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function spoilResponse(response: ServerResponse, wrong: Fault): boolean {
  switch (wrong) {
    case 'error':
      response.writeHead(500).end('{}')
      return true
    case 'cut':
      response.destroy()
      return true
    case 'stall':
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
      return true
    case 'garbage':
      response.end('<html>')
      return true
    default:
      return false
  }
}

function spoil(logs: readonly unknown[], wrong: Fault, chain: SyntheticChain): readonly unknown[] {
  switch (wrong) {
    case 'shuffled':
      return [...logs].reverse()
    case 'late-logs':
      return logs.filter((log) => (log as { blockHash: string }).blockHash !== chain.head.hash)
    case 'truncated':
      return logs.slice(0, -1)
    case 'outside':
      return [...logs, { ...(logs[0] as object), blockNumber: hex(chain.head.number + 5) }]
    default:
      return logs
  }
}

function headerOf(chain: SyntheticChain, which: string, whole: boolean): unknown {
  const block = find(chain, which)
  if (block === undefined) return null
  const zero = `0x${'0'.repeat(64)}`
  return {
    number: hex(block.number),
    hash: block.hash,
    parentHash: block.parent,
    timestamp: hex(block.time),
    logsBloom: block.bloom,
    nonce: '0x0000000000000000',
    sha3Uncles: zero,
    transactionsRoot: zero,
    stateRoot: zero,
    receiptsRoot: zero,
    mixHash: zero,
    miner: `0x${'0'.repeat(40)}`,
    difficulty: '0x0',
    totalDifficulty: '0x0',
    extraData: '0x',
    size: '0x0',
    gasLimit: '0x1c9c380',
    gasUsed: '0x0',
    baseFeePerGas: '0x1',
    transactions: transactionsOf(block, whole),
    uncles: [],
  }
}

function transactionsOf(block: SyntheticBlock, whole: boolean): unknown[] {
  const hashes = [...new Set(block.logs.map((log) => String(log.transactionHash)))]
  if (!whole) return hashes
  return hashes.map((hash, index) => ({
    hash,
    blockHash: block.hash,
    blockNumber: hex(block.number),
    transactionIndex: hex(index),
    from: `0x${'1'.repeat(40)}`,
    to: `0x${'2'.repeat(40)}`,
    gas: '0x5208',
    gasPrice: '0x1',
    input: '0x',
    nonce: hex(index),
    value: '0x0',
    type: '0x0',
    v: '0x1b',
    r: '0x1',
    s: '0x1',
  }))
}

function find(chain: SyntheticChain, which: string): SyntheticBlock | undefined {
  if (which.length === 66) return chain.blocks.find((block) => block.hash === which)
  if (which === 'earliest') return chain.blocks[0]
  if (['latest', 'safe', 'finalized', 'pending'].includes(which)) return chain.head
  return chain.blocks[Number(which)]
}

function logsOf(chain: SyntheticChain, filter: Filter, maxLogs: number): unknown[] | undefined {
  const addresses = filter.address === undefined ? undefined : new Set([filter.address].flat().map(lower))
  const topics = (filter.topics ?? []).map((topic) =>
    topic === null ? undefined : new Set([topic].flat().map(lower)),
  )
  const single = filter.blockHash === undefined ? undefined : find(chain, filter.blockHash)
  const from = single?.number ?? Number(filter.fromBlock ?? 0)
  const to = single?.number ?? (filter.toBlock === 'latest' ? chain.head.number : Number(filter.toBlock))
  const found: unknown[] = []
  for (const block of chain.blocks.slice(from, to + 1)) {
    for (const log of block.logs) {
      if (addresses !== undefined && !addresses.has(String(log.address))) continue
      const own = log.topics as readonly string[]
      if (!topics.every((wanted, index) => wanted === undefined || wanted.has(own[index] ?? ''))) continue
      if (found.push(log) > maxLogs) return undefined
    }
  }
  return found
}

function lower(text: string): string {
  return text.toLowerCase()
}

function hex(number: number): string {
  return `0x${number.toString(16)}`
}
