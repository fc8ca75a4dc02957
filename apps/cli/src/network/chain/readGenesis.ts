import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { CliError } from '../../errors/CliError.ts'
import { exitCodes } from '../../errors/exitCodes.ts'
import { writeFileAtomic } from '../../home/writeFileAtomic.ts'

const genesisSchema = z.object({ chainId: z.number().int().positive(), time: z.number().int().nonnegative() })
export type Genesis = z.infer<typeof genesisSchema>

/** The chain that is kept here has another chain id than the one asked for. */
export class ChainIdMismatchError extends CliError {
  override readonly name = 'ChainIdMismatchError'
  static readonly code = 'CHAIN_ID_MISMATCH'
  constructor(options: { kept: number; wanted: number }) {
    super({
      code: ChainIdMismatchError.code,
      message: `The local chain kept here has chain id ${options.kept}, not ${options.wanted}.`,
      remedy: `Leave out \`--chain-id\`, or use another MILLRACE_HOME for chain ${options.wanted}.`,
      exitCode: exitCodes.config,
      details: options,
    })
  }
}

/**
 * What block 0 is made of: written once, the same for ever.
 *
 * @throws ChainIdMismatchError if the folder holds a chain of another id.
 */
export function readGenesis(path: string, wanted: Genesis): Genesis {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    writeFileAtomic(path, `${JSON.stringify(wanted)}\n`)
    return wanted
  }
  const kept = genesisSchema.parse(JSON.parse(text))
  if (kept.chainId !== wanted.chainId)
    throw new ChainIdMismatchError({ kept: kept.chainId, wanted: wanted.chainId })
  return kept
}
