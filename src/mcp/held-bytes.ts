/** Bytes that wait until there are enough of them to be read. */
export interface HeldBytes {
  /** How many there are. */
  readonly length: () => number
  /** Copies bytes behind those held. Throws TooManyBytes when there would be more than the limit. */
  append (bytes: Uint8Array): void
  /** Returns all and holds none any more. */
  take (): Buffer
}

/** What should be read as a whole is larger than what is kept of one answer. */
export class TooManyBytes extends Error {
  override readonly name = 'TooManyBytes'

  constructor (limit: number) {
    super(`more than ${limit} bytes`)
  }
}

const SMALLEST = 1024
const NOTHING = Buffer.alloc(0)

/**
 * Holds at most `limit` bytes in one buffer that doubles when it is full: a list of the chunks would cost a hundred times
 * their size when each is a byte. Never throws itself.
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
        const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(limit, Math.max(SMALLEST, 2 * room.length))))
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
