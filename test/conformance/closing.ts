/** Takes what has to be closed in the end, as tap's tests do. */
export interface Closing {
  after (close: () => unknown): void
}

/** Returns what the work returns, once everything that it opened is closed, the last thing first; also when it throws. */
export async function closeAfter<T> (work: (closing: Closing) => Promise<T>): Promise<T> {
  const closers: Array<() => unknown> = []
  try {
    return await work({ after: (close) => { closers.unshift(close) } })
  } finally {
    for (const close of closers) await close()
  }
}
