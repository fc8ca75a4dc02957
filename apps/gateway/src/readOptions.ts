import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { addressSchema, deploymentSchema, parse } from '@millrace/sdk'
import type { Hex, LocalAccount } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { z } from 'zod'
import type { DatabaseOptions } from './database/openDatabase.ts'
import { UsageWrong } from './errors/UsageWrong.ts'
import type { GatewayOptions } from './GatewayOptions.ts'

/** The process's options: a flag, else the variable, else the default. */
export const flags = {
  rpc: { variable: 'MILLRACE_RPC_URL', help: 'URL of the chain (JSON-RPC over HTTP)' },
  deployment: { variable: 'MILLRACE_DEPLOYMENT', help: 'file that says where the contracts are' },
  'data-dir': { variable: 'MILLRACE_DATA_DIR', help: 'folder of the embedded database' },
  'database-url': { variable: 'DATABASE_URL', help: 'Postgres to use instead of the embedded database' },
  host: { variable: 'MILLRACE_HOST', help: 'address to listen at (127.0.0.1)' },
  port: { variable: 'MILLRACE_PORT', help: 'port to listen at, 0 for any (8787)' },
  peer: { variable: 'MILLRACE_PEERS', help: 'another gateway to take offers from; may be repeated' },
  url: {
    variable: 'MILLRACE_URLS',
    help: "URL under which machines reach it (this machine's addresses); may be repeated",
  },
  'start-block': { variable: 'MILLRACE_START_BLOCK', help: 'first block that can hold an event (0)' },
  'poll-ms': { variable: 'MILLRACE_POLL_MS', help: "pause between looks at the chain's head (250)" },
  finality: { variable: 'MILLRACE_FINALITY', help: 'blocks that can be undone (256)' },
  'rate-per-second': { variable: 'MILLRACE_RATE', help: 'requests a second for each client (100)' },
  'proxy-header': { variable: 'MILLRACE_PROXY_HEADER', help: 'header in which a proxy notes its client' },
  origin: { variable: 'MILLRACE_ORIGINS', help: 'origin whose pages may read answers (*); may be repeated' },
  'no-challenges': {
    variable: 'MILLRACE_NO_CHALLENGES',
    help: 'challenge no machine; none is verified then',
  },
  'x402-relayer': {
    variable: 'MILLRACE_X402_RELAYER',
    help: 'file with the key that pays the gas of x402 settlements; none are settled without',
  },
  'x402-minimum': {
    variable: 'MILLRACE_X402_MINIMUM',
    help: 'least x402 payment that is settled, in base units (0)',
  },
  'x402-chain': {
    variable: 'MILLRACE_X402_CHAINS',
    help: "another chain whose x402 payments are settled: 'ID RPC TOKEN…', such as '8453 https://… 0x833…'; may be repeated",
  },
  'log-level': { variable: 'MILLRACE_LOG_LEVEL', help: 'silent, error, warn, info or debug (info)' },
} as const

const number = z.string().regex(/^\d+$/, 'must be a whole number').transform(Number)
const list = z
  .array(z.string())
  .transform((values) => values.flatMap((value) => value.split(',')).map((value) => value.trim()))
  .transform((values) => values.filter((value) => value !== ''))

const settlementChain = z
  .string()
  .transform((text) => {
    const [chainId, rpcUrl = '', ...assets] = text.trim().split(/\s+/)
    return { chainId: Number(chainId), rpcUrl, assets }
  })
  .pipe(
    z.strictObject({
      chainId: z.int().min(1),
      rpcUrl: z.url({ protocol: /^https?$/ }),
      assets: z.array(addressSchema).min(1),
    }),
  )

const optionsSchema = z.strictObject({
  rpc: z.url({ protocol: /^https?$/ }),
  deployment: z.string().min(1),
  'data-dir': z.string().min(1).optional(),
  'database-url': z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  host: z.string().default('127.0.0.1'),
  port: number.pipe(z.int().max(65_535)).default(8787),
  peer: list.pipe(z.array(z.url({ protocol: /^https?$/ }))).default([]),
  url: list.pipe(z.array(z.url({ protocol: /^https?$/ }))).default([]),
  'start-block': number.default(0),
  'poll-ms': number.pipe(z.int().min(10)).optional(),
  finality: number.pipe(z.int().min(1)).optional(),
  'rate-per-second': number.pipe(z.int().min(1)).default(100),
  'proxy-header': z.string().toLowerCase().optional(),
  origin: list.default(['*']),
  'no-challenges': z.union([z.boolean(), z.stringbool()]).default(false),
  'x402-relayer': z.string().min(1).optional(),
  'x402-minimum': z
    .string()
    .regex(/^\d{1,38}$/, 'must be a whole number of base units')
    .transform(BigInt)
    .default(0n),
  'x402-chain': list.pipe(z.array(settlementChain)).default([]),
  'log-level': z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
})

/** What the process is to do. */
export type ProcessOptions =
  | { readonly type: 'help'; readonly text: string }
  | { readonly type: 'run'; readonly logLevel: string; readonly gateway: Omit<GatewayOptions, 'log'> }

/** Requests a client may make at once, as a multiple of those in a second. */
const BURST = 5

/**
 * Reads command line and environment.
 * @throws UsageWrong naming what to give; InvalidInputError naming the fields that are wrong
 */
export function readOptions(argv: readonly string[], env: NodeJS.ProcessEnv): ProcessOptions {
  const given = readFlags(argv)
  if (given.help === true) return { type: 'help', text: helpText() }
  const values = Object.fromEntries(
    Object.entries(flags).flatMap(([name, { variable }]) => {
      const fallback = env[variable]
      const many = isMany(name)
      const value =
        given[name] ?? (fallback === undefined || fallback === '' ? undefined : many ? [fallback] : fallback)
      return value === undefined ? [] : [[name, value]]
    }),
  )
  if (values.rpc === undefined) throw new UsageWrong('--rpc is missing')
  if (values['x402-chain'] !== undefined && values['x402-relayer'] === undefined)
    throw new UsageWrong('--x402-chain needs --x402-relayer, which pays the gas')
  if (values.deployment === undefined) throw new UsageWrong('--deployment is missing')
  const options = parse(optionsSchema, values, 'options')
  const rate = options['rate-per-second']
  return {
    type: 'run',
    logLevel: options['log-level'],
    gateway: {
      deployment: readDeployment(options.deployment),
      rpcUrl: options.rpc,
      database: databaseOf(options['database-url'], options['data-dir']),
      host: options.host,
      port: options.port,
      peers: options.peer,
      urls: options.url,
      startBlock: options['start-block'],
      ...(options['no-challenges'] ? {} : { challenges: {} }),
      ...(options['x402-relayer'] === undefined
        ? {}
        : {
            facilitator: {
              relayer: readRelayer(options['x402-relayer']),
              minimum: options['x402-minimum'],
              chains: options['x402-chain'],
            },
          }),
      rate: { perSecond: rate, burst: rate * BURST },
      origins: options.origin,
      ...(options['poll-ms'] === undefined ? {} : { chainPollMs: options['poll-ms'] }),
      ...(options.finality === undefined ? {} : { finality: options.finality }),
      ...(options['proxy-header'] === undefined ? {} : { proxyHeader: options['proxy-header'] }),
    },
  }
}

/** Whether a flag may be given more than once. */
const isMany = (name: string) => ['peer', 'origin', 'url', 'x402-chain'].includes(name)

function readFlags(argv: readonly string[]): Record<string, string | string[] | boolean | undefined> {
  try {
    const { values } = parseArgs({
      args: [...argv],
      strict: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        ...Object.fromEntries(
          Object.keys(flags).map((name) => [
            name,
            name === 'no-challenges'
              ? { type: 'boolean' as const }
              : { type: 'string' as const, multiple: isMany(name) },
          ]),
        ),
      },
    })
    return values as Record<string, string | string[] | boolean | undefined>
  } catch (error) {
    throw new UsageWrong(error instanceof Error ? error.message : String(error))
  }
}

function readDeployment(path: string) {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UsageWrong(`the deployment file "${path}" cannot be read`, cause)
  }
  try {
    return parse(deploymentSchema, JSON.parse(text), 'deployment')
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new UsageWrong(`the deployment file "${path}" is not JSON`, cause)
    throw cause
  }
}

function readRelayer(path: string): LocalAccount {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw new UsageWrong(`the key file "${path}" cannot be read`, cause)
  }
  try {
    return privateKeyToAccount(text as Hex)
  } catch {
    // What was thrown may hold the key.
    throw new UsageWrong(`the key file "${path}" holds no private key: 0x and 64 hex digits`)
  }
}

function databaseOf(url: string | undefined, dataDir: string | undefined): DatabaseOptions {
  if (url !== undefined) return { url }
  if (dataDir !== undefined) return { dataDir: join(dataDir, 'database') }
  throw new UsageWrong('give --data-dir for the embedded database, or --database-url for Postgres')
}

function helpText(): string {
  const rows = Object.entries(flags).map(
    ([name, { variable, help }]) => `  ${`--${name}`.padEnd(18)} ${variable.padEnd(24)} ${help}`,
  )
  return [
    'millrace gateway: offers, relay and index of one chain. Each option is a flag or a variable.',
    ...rows,
    'Ends with 0 after SIGINT or SIGTERM, 1 if it cannot start, 2 if it was called wrongly.',
    '',
  ].join('\n')
}
