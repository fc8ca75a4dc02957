import { getBlock } from 'viem/actions'
import type { Connection } from '../connection/connect.ts'

/** The chain's clock in Unix seconds, by which loans live; a local chain's may stand elsewhere than this machine's. */
export const chainTime = async ({ client }: Connection): Promise<number> =>
  Number((await getBlock(client)).timestamp)
