import type { Clock } from '../../src/clock.js'

/** A clock that stands still until the test moves it. */
export interface TestClock extends Clock {
  /** Moves time on, and calls what is due. */
  advance (ms: number): void
  /** Timers that are set now. */
  readonly pending: () => number
}

/**
 * Returns a clock that starts at the machine's time, so that tokens made with it are current, and at a whole
 * second, as times in tokens are.
 */
export function createTestClock (start = Math.floor(Date.now() / 1000) * 1000): TestClock {
  let time = start
  const timers = new Map<symbol, { readonly at: number, readonly callback: () => void }>()
  return {
    now: () => time,
    after (ms, callback) {
      const key = Symbol('timer')
      timers.set(key, { at: time + ms, callback })
      return () => { timers.delete(key) }
    },
    advance (ms) {
      time += ms
      for (const [key, { at, callback }] of [...timers]) {
        if (at > time) continue
        timers.delete(key)
        callback()
      }
    },
    pending: () => timers.size
  }
}
