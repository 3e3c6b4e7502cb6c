/** Takes what has to be closed in the end, as tap's tests do. */
export interface Closing {
  after (close: () => unknown): void
}

/**
 * Returns what the work returns, once everything that it opened is closed, the last thing first; also when it
 * throws.
 */
export async function closeAfter<T> (work: (closing: Closing) => Promise<T>): Promise<T> {
  const closers: Array<() => unknown> = []
  let isOver = false
  try {
    // Work that has been given up may still open something.
    return await work({ after: (close) => { isOver ? close() : closers.unshift(close) } })
  } finally {
    isOver = true
    for (const close of closers) await close()
  }
}
