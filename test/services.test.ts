import t, { type Test } from 'tap'
import { systemClock } from '../src/clock.js'

const HOUR = 3_600_000

interface Timer {
  readonly length: number
  readonly fire: () => void
}

/** Records the timers that are set, in place of setting them. */
function holdTimers (t: Test): { readonly set: Timer[], readonly cleared: Timer[] } {
  const set: Timer[] = []
  const cleared: Timer[] = []
  const { setTimeout, clearTimeout } = globalThis
  t.teardown(() => { Object.assign(globalThis, { setTimeout, clearTimeout }) })
  Object.assign(globalThis, {
    setTimeout (fire: () => void, length: number) {
      const timer = { length, fire, unref: () => timer }
      set.push(timer)
      return timer
    },
    clearTimeout (timer: Timer) { cleared.push(timer) }
  })
  return { set, cleared }
}

t.test('timers are of few lengths, and fire on time', async (t) => {
  const { set } = holdTimers(t)
  const delays = [
    ...Array.from({ length: 10_000 }, (_, index) => 1001 + index * 347),
    ...Array.from({ length: 300 }, (_, index) => 1001 + index * 8_640_077)
  ]
  for (const ms of delays) {
    const first = set.length
    let isDue = false
    systemClock.after(ms, () => { isDue = true })
    let waited = 0
    for (let at = first; at < set.length; at++) {
      const timer = set[at] as Timer
      waited += timer.length
      timer.fire()
    }
    if (!isDue || waited !== ms) t.fail(`${ms} ms took ${waited} ms`)
  }
  t.ok(set.every(({ length }) => length <= HOUR && (length < 1000 || length % 1000 === 0)))
})

t.test('short timers are as long as asked for, and what is past is due at once', async (t) => {
  const { set } = holdTimers(t)
  for (const ms of [250, 1000, 0, -5]) systemClock.after(ms, () => {})
  t.same(set.map(({ length }) => length), [250, 1000, 0, 0])
})

t.test('a long timer can be cancelled at any hour', async (t) => {
  const { set, cleared } = holdTimers(t)
  const cancel = systemClock.after(3 * HOUR, () => { t.fail('it was cancelled') })
  set[0]?.fire()
  cancel()
  t.equal(set.length, 2)
  t.equal(cleared[0], set[1])
})
