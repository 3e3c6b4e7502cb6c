import t from 'tap'
import {
  openLogDestination, type Descriptor, type LogDestination
} from '../../src/telemetry/log-destination.js'
import { createTestClock, type TestClock } from '../helpers/clock.js'

const MIB = 1024 * 1024
const LINE = `${'x'.repeat(1023)}\n`

interface Sink extends Descriptor {
  /** All that was taken. */
  taken: string
  /** What the next write meets: the most bytes that are taken, an error, or nothing for ever. */
  takes: number | string | 'hangs'
  writes: number
}

function open (): { sink: Sink, clock: TestClock, log: LogDestination, gaps: number[] } {
  const clock = createTestClock(0)
  const gaps: number[] = []
  function take (bytes: Buffer): number {
    if (typeof sink.takes === 'string') throw Object.assign(new Error(sink.takes), { code: sink.takes })
    const part = bytes.subarray(0, sink.takes)
    sink.taken += part.toString('latin1')
    return part.length
  }
  const sink: Sink = {
    taken: '',
    takes: Infinity,
    writes: 0,
    write (bytes, done) {
      sink.writes++
      if (sink.takes === 'hangs') return
      // As the kernel does: some turns later.
      setImmediate(() => {
        try {
          done(null, take(bytes))
        } catch (error) {
          done(error as NodeJS.ErrnoException, 0)
        }
      })
    },
    writeSync: take
  }
  const log = openLogDestination(sink, clock, (lost) => {
    gaps.push(lost)
    log.write(`lost ${lost}\n`)
  })
  return { sink, clock, log, gaps }
}

/** Lets what is under way end, and what follows from that. */
async function turns (count = 300): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => { setImmediate(resolve) })
}

t.test('lines are written whole and in their order, many at a time', async (t) => {
  const { sink, log } = open()
  let expected = ''
  for (let i = 0; i < 1000; i++) {
    log.write(`line ${i}\n`)
    expected += `line ${i}\n`
  }
  await turns()
  t.equal(sink.taken, expected)
  t.ok(sink.writes <= 3, `${sink.writes} writes`)
  t.same(log.state(), { state: 'writing', lost: 0 })
})

t.test('what is taken in parts is not torn', async (t) => {
  const { sink, log } = open()
  sink.takes = 7
  for (const line of ['first\n', 'second\n', 'third\n']) log.write(line)
  await turns()
  t.equal(sink.taken, 'first\nsecond\nthird\n')
})

for (const code of ['EAGAIN', 'EPIPE', 'ENOSPC', 'EIO', 'EBADF', 'hangs']) {
  t.test(`O6: ${code}: what waits is bounded, and what is lost is counted`, async (t) => {
    const { sink, clock, log } = open()
    sink.takes = code
    log.write(LINE)
    await turns(5)
    clock.advance(1000)
    t.equal(log.state().state, code === 'EAGAIN' || code === 'hangs' ? 'stalled' : code)
    t.equal(log.isStuck(), code === 'hangs')
    for (let i = 1; i < 10_000; i++) log.write(LINE)
    t.equal(log.state().lost, 10_000 - 4 * MIB / LINE.length, '4 MiB wait')
    log.flushSync()
    t.equal(sink.taken, '')
  })
}

t.test('O6: when it is written again, one line stands where lines are missing', async (t) => {
  const { sink, clock, log, gaps } = open()
  sink.takes = 'ENOSPC'
  for (let i = 0; i < 5000; i++) log.write(LINE)
  await turns(5)
  t.same(gaps, [])
  sink.takes = 64 * 1024
  for (let i = 0; i < 100; i++) {
    clock.advance(1000)
    await turns(10)
    log.write('later\n')
  }
  await turns()
  t.same(gaps.length, 1)
  const [missing = 0] = gaps
  t.ok(missing >= 5000 - 4096)
  t.equal(log.state().lost, missing)
  t.same(log.state().state, 'writing')
  const lines = sink.taken.split('\n')
  t.equal(lines.indexOf(`lost ${missing}`), 4096, 'after those that waited, before those that came later')
  t.equal(lines.length - 1 + missing, 5000 + 100 + 1, 'each line is written or counted')
})

t.test('a descriptor that takes nothing is not asked in a loop', async (t) => {
  const { sink, clock, log } = open()
  sink.takes = 'EAGAIN'
  log.write(LINE)
  for (let ms = 0; ms < 60_000; ms += 5) {
    clock.advance(5)
    await turns(2)
  }
  t.ok(sink.writes > 50 && sink.writes < 80, `${sink.writes} writes in a minute`)
  for (let i = 0; i < 1000; i++) log.write(LINE)
  t.ok(sink.writes < 80, 'and not for each line')
})

t.test('flushSync writes what is taken at once, in order, and nothing twice', async (t) => {
  const { sink, log } = open()
  sink.takes = 'EAGAIN'
  log.write('one\n')
  await turns(2)
  log.write('two\n')
  sink.takes = Infinity
  log.flushSync()
  t.equal(sink.taken, 'one\ntwo\n')
  await turns(2)
  t.equal(sink.taken, 'one\ntwo\n')
})

t.test('flushSync leaves alone what is being written', async (t) => {
  const { sink, log } = open()
  log.write('one\n')
  log.write('two\n')
  log.flushSync()
  t.equal(sink.taken, '')
  await turns(5)
  t.equal(sink.taken, 'one\ntwo\n')
})

t.test('settle resolves when everything is written, or when the time is over', async (t) => {
  const { sink, clock, log } = open()
  await log.settle(100)
  log.write('one\n')
  await log.settle(100)
  t.equal(sink.taken, 'one\n')
  t.equal(clock.pending(), 0)
  sink.takes = 'hangs'
  log.write('two\n')
  let isOver = false
  const settled = log.settle(100).then(() => { isOver = true })
  clock.advance(99)
  await turns(2)
  t.notOk(isOver)
  clock.advance(1)
  await settled
})
