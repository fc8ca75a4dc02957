/**
 * Puts a nonce together: the series that `cancelAllOffers` ends, and a bit that `cancelOffers` sets.
 *
 * @param series The operator's series on chain, `getSeries`; starts at 0.
 * @param index Any number below 2^192; offers that share it are cancelled together.
 * @returns The nonce.
 * @example
 * const nonce = offerNonce(await getSeries(client, { deployment, operator }), 5n)
 */
export function offerNonce(series: bigint, index: bigint): bigint {
  return (series << 192n) | BigInt.asUintN(192, index)
}
