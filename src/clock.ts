/** Time, passed in so that tests control it. */
export interface Clock {
  /** Returns milliseconds since the epoch. */
  now (): number
  /** Calls back after `ms` milliseconds. Returns a function that cancels the call. */
  after (ms: number, callback: () => void): () => void
}

const SECOND_MS = 1000
const HOUR_MS = 3_600_000

/**
 * The clock of the machine. Its timers do not keep the process alive.
 *
 * Node keeps a list for each timer length until the last timer of that length was due, even when all of them
 * were cancelled. A client that opens streams over and over with a token for a day must not leave one list
 * for each millisecond of that day. So a timer first waits whole seconds, and then the rest.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  after (ms, callback) {
    let timer: NodeJS.Timeout
    function wait (left: number): void {
      const wholeSeconds = Math.min(Math.floor(left / SECOND_MS) * SECOND_MS, HOUR_MS)
      const length = left < SECOND_MS ? Math.max(left, 0) : wholeSeconds
      timer = setTimeout(() => left > length ? wait(left - length) : callback(), length).unref()
    }
    wait(ms)
    return () => clearTimeout(timer)
  }
}
