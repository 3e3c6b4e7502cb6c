/** Runs work when its turn comes. Rejects with TurnTimeout when that takes too long. */
export type TakeTurns = <T>(work: () => Promise<T>) => Promise<T>

export class TurnTimeout extends Error {}

/**
 * Returns a function that runs at most `limit` works at the same time. The others wait in order, each for at
 * most `waitMs`.
 */
export function takeTurns (limit: number, waitMs: number): TakeTurns {
  let running = 0
  const waiting = new Set<() => void>()

  function turn (): Promise<void> {
    if (running < limit) {
      running++
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      function start (): void {
        clearTimeout(timer)
        waiting.delete(start)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.delete(start)
        reject(new TurnTimeout())
      }, waitMs)
      waiting.add(start)
    })
  }

  /** A work that ends hands its place on, so nobody can slip in between. */
  function end (): void {
    const [next] = waiting
    if (next === undefined) running--
    else next()
  }

  return async function takeTurn (work) {
    await turn()
    try {
      return await work()
    } finally {
      end()
    }
  }
}
