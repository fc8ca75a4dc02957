/** The EVM networks of x402 v1 by their short names, and their chain ids. v1 knows no others. */
const chainIds: Readonly<Record<string, number>> = {
  abstract: 2741,
  'abstract-testnet': 11124,
  'base-sepolia': 84532,
  base: 8453,
  'avalanche-fuji': 43113,
  avalanche: 43114,
  iotex: 4689,
  sei: 1329,
  'sei-testnet': 1328,
  polygon: 137,
  'polygon-amoy': 80002,
  peaq: 3338,
  story: 1514,
  educhain: 41923,
  'skale-base-sepolia': 324705682,
}

const toCaip = new Map(Object.entries(chainIds).map(([name, id]) => [name, `eip155:${id}`]))
const toName = new Map([...toCaip].map(([name, caip]) => [caip, name]))

/** CAIP-2 name of a network of x402 v1, null where there is none. */
export const networkOfV1 = (name: string): string | null => toCaip.get(name) ?? null

/** Short name in x402 v1 of a CAIP-2 network, null where there is none. */
export const v1OfNetwork = (network: string): string | null => toName.get(network) ?? null

/** Chain id of an `eip155` network, null of any other. */
export function chainIdOf(network: string): number | null {
  const digits = /^eip155:([1-9]\d{0,14})$/.exec(network)?.[1]
  return digits === undefined ? null : Number(digits)
}
