/** The responses that are being streamed, so that a stop can end them (O3). */
export interface OpenStreams {
  /** Adds how to end one stream. Returns how to take it off the list. */
  add (end: () => void): () => void
  /** Returns how many there are. */
  count (): number
  /** Ends every stream. */
  endAll (): void
}

interface Link {
  readonly end: () => void
  previous: Link
  next: Link
}

/**
 * Keeps the list of streams of one application. A linked list, because most responses to calls are streams:
 * V8 keeps what a Set held whenever the Set has to grow (see connections.ts), which cost a tenth of a call.
 */
export function trackOpenStreams (): OpenStreams {
  const ring = linkToItself(() => {})
  let count = 0
  return {
    count: () => count,
    add (end) {
      count++
      const link: Link = { end, previous: ring.previous, next: ring }
      link.previous.next = ring.previous = link
      return () => {
        if (link.next === link) return // it was taken off before
        count--
        link.previous.next = link.next
        link.next.previous = link.previous
        // Or a link that is forgotten but not collected yet would keep those that were its neighbours.
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
