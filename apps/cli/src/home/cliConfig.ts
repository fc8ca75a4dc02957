import { existsSync, readFileSync } from 'node:fs'
import { addressSchema } from '@millrace/sdk'
import { parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import { CliError } from '../errors/CliError.ts'
import { exitCodes } from '../errors/exitCodes.ts'
import type { HomePaths } from './homePaths.ts'
import { writeFileAtomic } from './writeFileAtomic.ts'

const httpUrl = z.url({ protocol: /^https?$/ })

export const networkConfigSchema = z.strictObject({
  chainId: z.number().int().positive(),
  rpc: httpUrl,
  gateways: z.array(httpUrl).max(16).default([]),
  /** For a chain that the SDK does not know. */
  contracts: z
    .strictObject({
      assets: addressSchema,
      till: addressSchema,
      market: addressSchema,
      /** Default: where the CREATE2 proxy puts them for this till. */
      channels: addressSchema.optional(),
      /** Of agents' wallets. */
      agents: z
        .strictObject({
          policies: addressSchema,
          factory: addressSchema,
          module: addressSchema,
          delegate: addressSchema,
        })
        .optional(),
      /** Shared by all facilities. */
      credit: z
        .strictObject({
          units: addressSchema,
          appraisals: addressSchema,
          auction: addressSchema,
          ranks: addressSchema,
          desks: addressSchema,
          vaults: addressSchema,
        })
        .optional(),
      currency: addressSchema,
    })
    .optional(),
})

const cliConfigSchema = z.strictObject({
  /** The network used when none is named; `local` is the one that `millrace up` starts. */
  network: z.string().default('local'),
  /** The wallet used when none is named. */
  wallet: z.string().optional(),
  networks: z.record(z.string(), networkConfigSchema).default({}),
})

/** The command's settings, `<home>/config.yaml`. */
export type CliConfig = z.output<typeof cliConfigSchema>

/** The settings file cannot be used. */
export class CliConfigInvalidError extends CliError {
  override readonly name = 'CliConfigInvalidError'
  static readonly code = 'CLI_CONFIG_INVALID'
  constructor(options: { path: string; issues: readonly string[] }) {
    super({
      code: CliConfigInvalidError.code,
      message: `'${options.path}' cannot be used: ${options.issues.join('; ')}.`,
      remedy: 'Correct the named settings, or move the file away to use the defaults.',
      exitCode: exitCodes.config,
      details: options,
    })
  }
}

/**
 * The settings, with defaults for what is left out.
 *
 * @throws CliConfigInvalidError
 */
export function readCliConfig(paths: HomePaths): CliConfig {
  if (!existsSync(paths.config)) return cliConfigSchema.parse({})
  const document = parseDocument(readFileSync(paths.config, 'utf8'))
  const [syntax] = document.errors
  if (syntax !== undefined) throw new CliConfigInvalidError({ path: paths.config, issues: [syntax.message] })
  const parsed = cliConfigSchema.safeParse(document.toJS() ?? {})
  if (parsed.success) return parsed.data
  throw new CliConfigInvalidError({
    path: paths.config,
    issues: parsed.error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join('.')}: ${message}`,
    ),
  })
}

/** Changes settings, keeping the rest. */
export function updateCliConfig(paths: HomePaths, change: Partial<CliConfig>): void {
  const { networks, ...rest } = { ...readCliConfig(paths), ...change }
  writeFileAtomic(paths.config, stringify(Object.keys(networks).length === 0 ? rest : { ...rest, networks }))
}
