import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFlowNetwork } from './flowNetwork.ts'

interface Edge {
  readonly from: number
  readonly to: number
  readonly capacity: number
}
const graphs = fc.integer({ min: 2, max: 8 }).chain((nodes) =>
  fc.record({
    nodes: fc.constant(nodes),
    edges: fc.array(
      fc.record({
        from: fc.nat(nodes - 1),
        to: fc.nat(nodes - 1),
        capacity: fc.nat(20),
      }),
      { maxLength: 30 },
    ),
  }),
)
const build = (nodes: number, edges: readonly Edge[]) => {
  const network = createFlowNetwork()
  while (network.nodes < nodes) network.addNode()
  for (const { from, to, capacity } of edges) network.addEdge(from, to, capacity)
  return network
}

/** Capacity of the smallest cut, by trying each set of nodes on the source's side. */
function smallestCut(nodes: number, edges: readonly Edge[]): number {
  let least = Number.POSITIVE_INFINITY
  for (let set = 0; set < 1 << nodes; set++) {
    if ((set & 1) === 0 || (set & 2) !== 0) continue
    const cut = edges.reduce(
      (sum, { from, to, capacity }) => ((set >> from) & 1 && !((set >> to) & 1) ? sum + capacity : sum),
      0,
    )
    least = Math.min(least, cut)
  }
  return least
}

describe('createFlowNetwork', () => {
  test('default: the example of Ford and Fulkerson’s theorem', () => {
    const network = build(4, [
      { from: 0, to: 2, capacity: 10 },
      { from: 0, to: 3, capacity: 10 },
      { from: 2, to: 3, capacity: 1 },
      { from: 2, to: 1, capacity: 8 },
      { from: 3, to: 1, capacity: 10 },
    ])
    expect(network.maximise()).toBe(18)
    expect([0, 1, 2, 3, 4].map(network.flowOf)).toEqual([8, 10, 0, 8, 10])
  })

  test('behavior: the largest flow is the smallest cut, and is kept within capacities at every node', () => {
    fc.assert(
      fc.property(graphs, ({ nodes, edges }) => {
        const network = build(nodes, edges)
        const flow = network.maximise()
        expect(flow).toBe(smallestCut(nodes, edges))
        const balance = new Array<number>(nodes).fill(0)
        for (const [at, { from, to, capacity }] of edges.entries()) {
          const carried = network.flowOf(at)
          expect(carried >= 0 && carried <= capacity).toBe(true)
          balance[from] = (balance[from] ?? 0) - carried
          balance[to] = (balance[to] ?? 0) + carried
        }
        expect(balance[1]).toBe(flow)
        for (const left of balance.slice(2)) expect(left).toBe(0)
      }),
    )
  })

  test('behavior: adding edges and asking again gives what asking once gives', () => {
    fc.assert(
      fc.property(graphs, ({ nodes, edges }) => {
        const network = build(nodes, [])
        for (const { from, to, capacity } of edges) {
          network.addEdge(from, to, capacity)
          network.maximise()
        }
        expect(network.maximise()).toBe(build(nodes, edges).maximise())
      }),
    )
  })
})
