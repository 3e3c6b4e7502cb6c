/** The answers that are being streamed, so that a stop can end them (O3). */
export interface OpenStreams {
  /** Registers how to end one stream; returns how to take it off the list. */
  add (end: () => void): () => void
  /** Ends every stream. */
  endAll (): void
}

interface Link {
  readonly end: () => void
  previous: Link
  next: Link
}

/**
 * Keeps the list of streams of one application. Linked, not a Set: most answers to calls are streams, and a Set that each
 * of them passes through makes V8 keep what it has long forgotten (see connections.ts), a tenth of a call's cost.
 */
export function trackOpenStreams (): OpenStreams {
  const ring = linkToItself(() => {})
  return {
    add (end) {
      const link: Link = { end, previous: ring.previous, next: ring }
      link.previous.next = ring.previous = link
      return () => {
        link.previous.next = link.next
        link.next.previous = link.previous
        // Or one that is forgotten, but not collected yet, would keep those that were its neighbours.
        link.previous = link.next = link
      }
    },
    endAll () {
      const ends: (() => void)[] = []
      for (let link = ring.next; link !== ring; link = link.next) ends.push(link.end)
      for (const end of ends) end()
    }
  }
}

function linkToItself (end: () => void): Link {
  const link = { end } as Link
  link.previous = link.next = link
  return link
}
