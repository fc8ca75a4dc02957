/** Finds the most similar of some names, or nothing if none is close. */
export function similar(word: string, names: readonly string[]): string | undefined {
  const wanted = word.toLowerCase()
  const scored = names
    .map((name) => ({ name, distance: distance(wanted, name) }))
    .sort((a, b) => a.distance - b.distance)
  const best = scored[0]
  if (best !== undefined && best.distance <= Math.max(1, Math.floor(wanted.length / 3))) return best.name
  if (wanted.length < 3) return undefined
  return names.find((name) => name.split('_').includes(wanted) || name.replaceAll('_', '') === wanted)
}

/** Edits between two words: insert, remove, replace, swap neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  const at = (i: number, j: number) => rows[i]?.[j] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(
        Math.min(
          at(i - 1, j) + 1,
          at(i, j - 1) + 1,
          at(i - 1, j - 1) + same,
          swapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
  }
  return at(a.length, b.length)
}
