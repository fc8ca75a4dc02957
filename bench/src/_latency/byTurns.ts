import { type Asked, ask, type Target } from './ask.ts'
import { type Stall, watchMachine } from './watchMachine.ts'

/** The ways take turns of so many requests, so that what the machine does meanwhile is done to all of them. */
const turn = 250
/** So many before each turn's are counted, at its rate: its connections are new. */
const runUp = 30

/** Something that can be asked; `pay` makes the headers of so many requests, where they are paid. */
export interface Way extends Target {
  readonly pay?: (count: number) => readonly string[]
}

/** What requests took, in milliseconds. */
export interface Times {
  readonly all: readonly number[]
  /** Without those in which the machine stalled, for whichever way; all of them where that could not be watched. */
  readonly undisturbed: readonly number[]
}

/** What each way took, of at least `requests` asked at a rate that does not wait for answers. */
export async function byTurns<name extends string>(
  ways: Readonly<Record<name, Way>>,
  { requests, perSecond }: { readonly requests: number; readonly perSecond: number },
): Promise<Record<name, Times>> {
  const entries = Object.entries(ways) as [name, Way][]
  const asked = new Map<name, Asked[]>(entries.map(([name]) => [name, []]))
  const watch = await watchMachine()
  for (let done = 0; done < requests; done += turn)
    for (const [name, way] of entries)
      asked.get(name)?.push(...(await askWay(way, { count: runUp + turn, perSecond })).slice(runUp))
  const stalls = (await watch?.stop()) ?? []
  const times = [...asked].map(([name, each]) => [
    name,
    {
      all: each.map(({ took }) => took),
      undisturbed: each.flatMap((one) => (isDisturbed(one, stalls) ? [] : [one.took])),
    },
  ])
  return Object.fromEntries(times) as Record<name, Times>
}

/** The run that added least comes first; one in which the machine stalled through more than half of it says nothing, and comes last. */
export function bestFirst<run extends { readonly undisturbed: number }>(
  runs: readonly run[],
  p99Of: (run: run) => number,
): run[] {
  const isMostlyStalled = ({ undisturbed }: run) => (undisturbed < 0.5 ? 1 : 0)
  return [...runs].sort((a, b) => isMostlyStalled(a) - isMostlyStalled(b) || p99Of(a) - p99Of(b))
}

/** Whether the machine stalled while it was asked, or for so long before that what had piled up was still being worked off. */
function isDisturbed({ began, took }: Asked, stalls: readonly Stall[]): boolean {
  return stalls.some(({ from, to }) => began + took > from && began < to + (to - from))
}

/** Asks a way so many times. */
export function askWay(
  { pay = unpaid, ...target }: Way,
  { count, perSecond }: { readonly count: number; readonly perSecond: number },
): Promise<Asked[]> {
  return ask(target, { headers: pay(count), perSecond })
}

const unpaid = (count: number): string[] => Array.from({ length: count }, () => '')
