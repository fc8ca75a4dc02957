import { z } from 'zod'

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hex digits')
/** An amount of money in whole units of its currency, such as "0.36": text, because binary fractions round. */
const decimal = z
  .string()
  .regex(/^\d{1,18}(\.\d{1,18})?$/, 'must be a decimal amount in quotes, such as "0.36"')
const seconds = (least: number, most: number) => z.number().int().min(least).max(most)
const url = (...schemes: string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol), {
    message: `must be a URL starting with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`,
  })

const DAY = 86_400

/**
 * The configuration file, `<home>/node/config.toml`. Keys are written in snake case there: `price_per_hour`.
 * Every setting but the chain has a default; what is left out of `machine` is detected.
 */
export const nodeConfigSchema = z.strictObject({
  network: z.strictObject({
    /** EIP-155 chain id. */
    chainId: z.number().int().min(1),
    rpc: url('http:', 'https:'),
    /** Seconds until a call to the chain is given up and tried again. */
    rpcTimeout: z.number().min(0.2).max(120).default(5),
    /** Seconds between two looks at the chain. */
    poll: z.number().min(0.05).max(60).default(2),
    gateways: z.array(url('http:', 'https:')).max(16).default([]),
    /** Contracts, for a chain that the SDK does not know. */
    contracts: z
      .strictObject({
        assets: address,
        till: address,
        market: address,
        currencies: z.array(address).optional(),
      })
      .optional(),
  }),
  offer: z
    .strictObject({
      /** Price of one slot, in whole units of the currency. */
      pricePerHour: decimal.default('0.36'),
      /** ERC-20 in which the machine is paid; the chain's first stablecoin if absent. */
      currency: address.optional(),
      /** Leases at a time; the machine is shared out evenly. */
      slots: z.number().int().min(1).max(256).default(1),
      region: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and dashes')
        .optional(),
      /** Seconds that a signed offer lives; renewed at half of it. */
      ttl: seconds(10, DAY).default(300),
      /** Seconds after opening in which the job must have come and been started. */
      startWindow: seconds(5, 3600).default(120),
      minDuration: seconds(1, 30 * DAY).default(60),
      maxDuration: seconds(1, 365 * DAY).default(DAY),
      /** Forfeited to the buyer if this node stops a lease early; from the operator's till account, in whole units. */
      bond: decimal.default('0'),
      network: z.enum(['none', 'public']).default('none'),
    })
    .prefault({}),
  /** Whether and how a buyer may ask for a lower price before a lease (protocol §12). */
  haggle: z
    .strictObject({
      enabled: z.boolean().default(false),
      /** Lowest price of one slot that is agreed to, in whole units; the list price if absent. */
      floorPrice: decimal.optional(),
      /** `time`: concedes from the list price to the floor as rounds and time go by; `tit-for-tat`: as the buyer does. */
      strategy: z.enum(['time', 'tit-for-tat']).default('time'),
      /** Of `time`: below 1 firm until late, 1 even steps, above 1 gives way early. */
      shape: z.number().min(0.05).max(20).default(0.5),
      /** Messages of all buyers together that are read in a minute. */
      messagesPerMinute: z.number().int().min(1).max(100_000).default(300),
      /** Haggles that may be open at a time. */
      openMost: z.number().int().min(1).max(10_000).default(32),
    })
    .prefault({}),
  machine: z
    .strictObject({
      /** Cores to hire out in all. */
      cpus: z.number().min(0.1).max(4096).optional(),
      memoryMib: z.number().int().min(64).optional(),
      diskMib: z.number().int().min(64).optional(),
      /** UUIDs of the GPUs to hire out; all that are found if absent. */
      gpus: z.array(z.string().min(1)).optional(),
      /** Left for the system and this daemon. */
      reserveMemoryMib: z.number().int().min(0).default(512),
      reserveDiskMib: z.number().int().min(0).default(1024),
    })
    .prefault({}),
  limits: z
    .strictObject({
      bundleMib: z.number().int().min(1).max(1_048_576).default(2048),
      outputMib: z.number().int().min(1).max(1_048_576).default(2048),
      logMib: z.number().int().min(1).max(65_536).default(256),
      processes: z.number().int().min(16).max(1_000_000).default(1024),
      inodes: z.number().int().min(128).max(100_000_000).default(200_000),
    })
    .prefault({}),
  money: z
    .strictObject({
      /** Native coins below which no new work is taken, in whole units: keeps enough to settle what runs. */
      gasReserve: decimal.default('0.001'),
      /** Splits the asset's revenue once an epoch is over. */
      settleTill: z.boolean().default(true),
      /** Seconds that a lease without bond is kept after its job ended, so that the buyer can stop it first. */
      stopGrace: seconds(0, DAY).default(30),
      /**
       * Blocks to wait before a job starts, by the size of the deposit: the first row whose `upTo` (whole units) is not
       * exceeded; the last row counts for all above.
       */
      confirmations: z
        .array(z.strictObject({ upTo: decimal.optional(), blocks: z.number().int().min(0).max(1000) }))
        .min(1)
        .optional(),
    })
    .prefault({}),
  storage: z
    .strictObject({
      /** Seconds that logs and outputs are kept after the end of a lease. */
      retention: seconds(0, 365 * DAY).default(7 * DAY),
      /** Most that logs and outputs of all leases take together, in MiB; the oldest are deleted beyond. */
      keepMib: z.number().int().min(1).max(1_073_741_824).default(16_384),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info') })
    .prefault({}),
})

/** A configuration as it is used: defaults filled in, keys in camel case. */
export type NodeConfig = z.output<typeof nodeConfigSchema>
/** A configuration as it may be given. */
export type NodeConfigInput = z.input<typeof nodeConfigSchema>

export type ConfirmationRow = { readonly upTo?: string | undefined; readonly blocks: number }

/** One block below 10, three below 1000, twelve above: about what undoing them would cost on a proof-of-stake chain. */
const DEFAULT_CONFIRMATIONS: readonly ConfirmationRow[] = [
  { upTo: '10', blocks: 1 },
  { upTo: '1000', blocks: 3 },
  { blocks: 12 },
]

/** The confirmation table of `config`; a local chain (31337) needs none. */
export function confirmationTable(config: NodeConfig): readonly ConfirmationRow[] {
  return (
    config.money.confirmations ?? (config.network.chainId === 31337 ? [{ blocks: 0 }] : DEFAULT_CONFIRMATIONS)
  )
}
