/** A network whose largest flow is kept while edges are added. Nodes are numbers; 0 is the source, 1 the sink. */
export interface FlowNetwork {
  readonly nodes: number
  readonly edges: number
  readonly addNode: () => number
  /** Adds an edge that carries up to `capacity`, a whole number or Infinity, and returns its number. */
  readonly addEdge: (from: number, to: number, capacity: number) => number
  /** Raises the flow to the largest there is; returns it. What was found before is kept. */
  readonly maximise: () => number
  readonly flowOf: (edge: number) => number
  readonly fromOf: (edge: number) => number
  /** Edges into a node. */
  readonly into: (node: number) => readonly number[]
}

/**
 * Largest flow by blocking flows along shortest paths. An edge that is added later leaves the flow feasible, so the search goes on from the
 * residual network: asking again costs what is new. Exact while sums stay below 2^53.
 * Source: Dinitz, *Algorithm for solution of a problem of maximum flow in networks with power estimation* (1970).
 *
 * @example
 * const network = createFlowNetwork()
 * network.addEdge(0, 1, 5)
 * network.maximise() // 5
 */
export function createFlowNetwork(): FlowNetwork {
  // Edge 2k goes forward, 2k + 1 is what of it may be taken back.
  const target: number[] = []
  const room: number[] = []
  const next: number[] = []
  const head: number[] = [-1, -1]
  let flow = 0
  let level = new Int32Array(2)
  let current = new Int32Array(2)
  const half = (from: number, to: number, capacity: number): void => {
    next.push(head[from] ?? -1)
    head[from] = target.length
    target.push(to)
    room.push(capacity)
  }

  /** Distances from the source along edges with room; whether the sink is reached. */
  const layer = (): boolean => {
    level.fill(-1)
    level[0] = 0
    const queue = [0]
    for (let at = 0; at < queue.length; at++) {
      const node = queue[at] as number
      if (node === 1) return true
      for (let edge = head[node] as number; edge !== -1; edge = next[edge] as number) {
        const to = target[edge] as number
        if ((room[edge] as number) > 0 && level[to] === -1) {
          level[to] = (level[node] as number) + 1
          queue.push(to)
        }
      }
    }
    return false
  }

  /** Pushes along paths of the layers until every one is blocked. */
  const block = (): number => {
    for (let node = 0; node < head.length; node++) current[node] = head[node] as number
    const path: number[] = []
    let pushed = 0
    let node = 0
    for (;;) {
      if (node === 1) {
        const most = path.reduce(
          (least, edge) => Math.min(least, room[edge] as number),
          Number.POSITIVE_INFINITY,
        )
        let cut = -1
        for (const [at, edge] of path.entries()) {
          room[edge] = (room[edge] as number) - most
          room[edge ^ 1] = (room[edge ^ 1] as number) + most
          if (cut === -1 && room[edge] === 0) cut = at
        }
        pushed += most
        node = target[(path[cut] as number) ^ 1] as number
        path.length = cut
        continue
      }
      let edge = current[node] as number
      while (
        edge !== -1 &&
        !((room[edge] as number) > 0 && level[target[edge] as number] === (level[node] as number) + 1)
      )
        edge = next[edge] as number
      current[node] = edge
      if (edge !== -1) {
        path.push(edge)
        node = target[edge] as number
        continue
      }
      const back = path.pop()
      if (back === undefined) return pushed
      node = target[back ^ 1] as number
      current[node] = next[back] as number
    }
  }

  return {
    get nodes() {
      return head.length
    },
    get edges() {
      return target.length / 2
    },
    addNode: () => head.push(-1) - 1,
    addEdge: (from, to, capacity) => {
      half(from, to, capacity)
      half(to, from, 0)
      return target.length / 2 - 1
    },
    maximise: () => {
      if (level.length < head.length) {
        level = new Int32Array(head.length * 2)
        current = new Int32Array(head.length * 2)
      }
      while (layer()) flow += block()
      return flow
    },
    flowOf: (edge) => room[2 * edge + 1] ?? 0,
    fromOf: (edge) => target[2 * edge + 1] ?? 0,
    into: (node) => {
      const edges: number[] = []
      for (let edge = head[node] ?? -1; edge !== -1; edge = next[edge] ?? -1)
        if (edge % 2 === 1) edges.push((edge - 1) / 2)
      return edges
    },
  }
}
