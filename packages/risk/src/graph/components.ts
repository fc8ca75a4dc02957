/**
 * Strongly connected components of a directed graph with nodes 0 … n−1: sets in which each node reaches each other one.
 * Returns the component of each node; components are numbered so that edges between them lead to lower numbers.
 * Source: Tarjan, *Depth-first search and linear graph algorithms*, SIAM J. Computing 1 (1972), with a stack of its own, so that
 * long chains do not overflow the machine's.
 *
 * @example
 * strongComponents([[1], [0], [0]]) // Int32Array [0, 0, 1]
 */
export function strongComponents(edges: readonly (readonly number[])[]): Int32Array {
  const n = edges.length
  const component = new Int32Array(n).fill(-1)
  const index = new Int32Array(n).fill(-1)
  const low = new Int32Array(n)
  const nextEdge = new Int32Array(n)
  const open: number[] = []
  const path: number[] = []
  let visited = 0
  let components = 0
  for (let start = 0; start < n; start++) {
    if (index[start] !== -1) continue
    path.push(start)
    while (path.length > 0) {
      const node = path[path.length - 1] as number
      if (index[node] === -1) {
        index[node] = low[node] = visited++
        open.push(node)
      }
      const next = edges[node]?.[nextEdge[node] as number]
      if (next !== undefined) {
        nextEdge[node] = (nextEdge[node] as number) + 1
        if (index[next] === -1) path.push(next)
        else if (component[next] === -1) low[node] = Math.min(low[node] as number, index[next] as number)
        continue
      }
      path.pop()
      const parent = path[path.length - 1]
      if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[node] as number)
      if (low[node] !== index[node]) continue
      for (let member = open.pop(); member !== undefined; member = open.pop()) {
        component[member] = components
        if (member === node) break
      }
      components++
    }
  }
  return component
}
