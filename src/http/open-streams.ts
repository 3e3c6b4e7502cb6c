/** The answers that are being streamed, so that a stop can end them (O3). */
export interface OpenStreams {
  /** Registers how to end one stream; returns how to take it off the list. */
  add (end: () => void): () => void
  /** Ends every stream. */
  endAll (): void
}

/** Keeps the list of streams of one application. */
export function trackOpenStreams (): OpenStreams {
  const ends = new Set<() => void>()
  return {
    add (end) {
      ends.add(end)
      return () => { ends.delete(end) }
    },
    endAll () {
      for (const end of [...ends]) end()
    }
  }
}
