/** Bytes that are held until they can be read as a whole. */
export interface HeldBytes {
  /** How many there are. */
  readonly length: () => number
  /** Adds a copy of these bytes. Throws TooManyBytes when there would be more than the limit. */
  append (bytes: Uint8Array): void
  /** Returns all bytes, and holds none any more. */
  take (): Buffer
}

/** A body or an event is larger than the gateway holds of one response. */
export class TooManyBytes extends Error {
  override readonly name = 'TooManyBytes'

  constructor (limit: number) {
    super(`more than ${limit} bytes`)
  }
}

const SMALLEST = 1024
const NOTHING = Buffer.alloc(0)

/**
 * Returns room for at most `limit` bytes: one buffer that doubles when it is full. A list of the chunks would
 * cost a hundred times their size when each chunk is one byte. Does not throw.
 */
export function holdBytes (limit: number): HeldBytes {
  let room = NOTHING
  let length = 0
  return {
    length: () => length,
    append (bytes) {
      const needed = length + bytes.length
      if (needed > limit) throw new TooManyBytes(limit)
      if (needed > room.length) {
        const doubled = Math.min(limit, Math.max(SMALLEST, 2 * room.length))
        const larger = Buffer.allocUnsafeSlow(Math.max(needed, doubled))
        room.copy(larger, 0, 0, length)
        room = larger
      }
      room.set(bytes, length)
      length = needed
    },
    take () {
      const all = room.subarray(0, length)
      room = NOTHING
      length = 0
      return all
    }
  }
}
