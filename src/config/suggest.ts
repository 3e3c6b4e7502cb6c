/**
 * Returns the known word that a misspelt one was most likely meant to be, or undefined when none is near
 * enough. A third of the letters may be inserted, deleted, exchanged or swapped with a neighbour. Letter case
 * does not count.
 */
export function suggest (word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3))
  let nearest: { word: string, distance: number } | undefined
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), limit)
    const isNearer = distance < (nearest?.distance ?? Infinity)
    if (distance <= limit && isNearer) nearest = { word: candidate, distance }
  }
  return nearest?.word
}

/** Returns the optimal string alignment distance; Infinity when the lengths differ by more than `limit`. */
function editDistance (left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return Infinity
  let beforeLast: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const row = [i]
    for (let j = 1; j <= right.length; j++) {
      const change = left[i - 1] === right[j - 1] ? 0 : 1
      const isSwap = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]
      row[j] = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + change,
        isSwap ? at(beforeLast, j - 2) + 1 : Infinity
      )
    }
    beforeLast = last
    last = row
  }
  return at(last, right.length)
}

function at (row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
