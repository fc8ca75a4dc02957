import { ask, type Target } from './ask.ts'

/** The ways take turns of so many requests, so that what the machine does meanwhile is done to all of them. */
const turn = 250
/** So many before each turn's are counted, at its rate: its connections are new. */
const runUp = 30

/** Something that can be asked; `pay` makes the headers of so many requests, where they are paid. */
export interface Way extends Target {
  readonly pay?: (count: number) => readonly string[]
}

/** What each way took, in milliseconds, of at least `requests` asked at a rate that does not wait for answers. */
export async function byTurns<name extends string>(
  ways: Readonly<Record<name, Way>>,
  { requests, perSecond }: { readonly requests: number; readonly perSecond: number },
): Promise<Record<name, number[]>> {
  const entries = Object.entries(ways) as [name, Way][]
  const times = Object.fromEntries(entries.map(([name]) => [name, []])) as unknown as Record<name, number[]>
  for (let done = 0; done < requests; done += turn)
    for (const [name, way] of entries)
      times[name].push(...(await askWay(way, { count: runUp + turn, perSecond })).slice(runUp))
  return times
}

/** Asks a way so many times. */
export function askWay(
  { pay = unpaid, ...target }: Way,
  { count, perSecond }: { readonly count: number; readonly perSecond: number },
): Promise<number[]> {
  return ask(target, { headers: pay(count), perSecond })
}

const unpaid = (count: number): string[] => Array.from({ length: count }, () => '')
