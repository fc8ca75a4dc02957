/**
 * Sets a reservation price by what can be had elsewhere: nobody should pay more, or take less, than the market's best
 * other offer.
 *
 * @param options Side, own limit and the prices of the other offers, in base units per hour or unit.
 * @returns The limit, or the best other price if that is better; the limit if there are no other offers.
 * @example
 * const reservation = outsideOption({ side: 'buyer', limit: 900_000n, prices: [850_000n, 870_000n] })
 */
export function outsideOption(options: {
  readonly side: 'buyer' | 'seller'
  readonly limit: bigint
  readonly prices: readonly bigint[]
}): bigint {
  const { side, limit, prices } = options
  return prices.reduce((best, price) => {
    const better = side === 'buyer' ? price < best : price > best
    return better ? price : best
  }, limit)
}
