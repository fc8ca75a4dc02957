import { type Book, createRandom } from '@millrace/risk'

/** A book in which every loan differs: PD of 2 to 20 % a year, LGD of 35 to 60 %, twenty clusters with correlations of 0.25 to 0.5. */
export function makeBook(loans: number): Book {
  const random = createRandom(2026, 1)
  return {
    clusters: Array.from({ length: 20 }, (_, at) => ({
      name: `cluster ${at}`,
      correlation: 0.25 + (0.25 * at) / 19,
      common: 0.6,
    })),
    loans: Array.from({ length: loans }, () => ({
      cluster: Math.floor(20 * random.uniform()),
      pd: 0.02 + 0.18 * random.uniform() ** 2,
      lgd: 0.35 + 0.25 * random.uniform(),
      exposure: Math.round(10_000 * Math.exp(random.normal())),
    })),
  }
}
