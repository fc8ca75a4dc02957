import fc from 'fast-check'
import { expect, test } from 'vitest'
import { strongComponents } from './components.ts'

test('default: a ring, and a node that leads into it', () => {
  expect(Array.from(strongComponents([[1], [2], [0], [0]]))).toEqual([0, 0, 0, 1])
  expect(Array.from(strongComponents([]))).toEqual([])
})

test('behavior: two nodes share a component exactly if each reaches the other', () => {
  const graphs = fc
    .integer({ min: 1, max: 12 })
    .chain((n) => fc.array(fc.array(fc.nat(n - 1), { maxLength: 4 }), { minLength: n, maxLength: n }))
  fc.assert(
    fc.property(graphs, (edges) => {
      const reach = edges.map((_, from) => {
        const seen = new Set([from])
        for (const node of seen) for (const next of edges[node] ?? []) seen.add(next)
        return seen
      })
      const component = strongComponents(edges)
      for (let a = 0; a < edges.length; a++) {
        for (let b = 0; b < edges.length; b++)
          expect(component[a] === component[b]).toBe(Boolean(reach[a]?.has(b) && reach[b]?.has(a)))
        for (const b of edges[a] ?? []) expect(component[b] ?? 0).toBeLessThanOrEqual(component[a] ?? 0)
      }
    }),
  )
})

test('behavior: a chain of a million nodes does not overflow', () => {
  const n = 1_000_000
  const component = strongComponents(Array.from({ length: n }, (_, i) => (i + 1 < n ? [i + 1] : [])))
  expect(component[0]).toBe(n - 1)
})
