import t from 'tap'
import { editResponse, type ResponseEdit } from '../../../src/http/response/edit-response.js'
import { createTestClock } from '../../helpers/clock.js'
import type { ResponseReceiver } from '../../../src/upstream/upstream.js'

interface Watched {
  readonly edited: ResponseReceiver
  /** What reached the receiver behind, and the control, in order. */
  readonly heard: unknown[]
}

/** Puts an edit before a receiver that takes `room` chunks before it asks for a pause. */
function watch (edit: ResponseEdit, room = Infinity, clock = createTestClock()): Watched {
  const heard: unknown[] = []
  let chunks = 0
  const receiver: ResponseReceiver = {
    onResponse: (status) => heard.push(status),
    onData (chunk) {
      heard.push(chunk.toString())
      return ++chunks < room
    },
    onEnd: () => heard.push('end'),
    onFailure: ({ kind, reason }) => heard.push(`${kind}: ${reason}`)
  }
  const control = { resume () {}, abort: () => heard.push('abort') }
  const edited = editResponse(receiver, control, () => edit, clock.after.bind(clock, 1000))
  edited.onResponse(200, {})
  return { edited, heard }
}

function throwIfBad (bytes: Buffer): Buffer {
  if (bytes.includes('bad')) throw new Error('it is bad')
  return bytes
}

t.test('a client that reads slowly pauses an edited stream', async (t) => {
  const { edited } = watch({ kind: 'events', edit: ({ data }) => data }, 2)
  t.equal(edited.onData(Buffer.from('data: 1\n\n')), true)
  t.equal(edited.onData(Buffer.from('data: 2')), true, 'nothing was handed on')
  t.equal(edited.onData(Buffer.from('\n\n')), false)
  t.equal(edited.onData(Buffer.from('data: 3')), true, 'one pause is asked for once')
})

t.test('after a failure nothing is heard any more, whatever still comes', async (t) => {
  const streamed = watch({ kind: 'events', edit: ({ data }) => throwIfBad(data) })
  const whole = watch({ kind: 'body', edit: throwIfBad })
  const empty = watch({ kind: 'failure-if-any', reason: 'it is bad' })
  for (const { edited } of [streamed, whole, empty]) {
    edited.onData(Buffer.from('data: good\n\ndata: bad\n\ndata: late\n\n'))
    edited.onEnd()
    edited.onData(Buffer.from('data: later\n\n'))
    edited.onEnd()
    edited.onFailure({ kind: 'broken', reason: 'later' })
  }
  t.strictSame(streamed.heard, [200, 'data: good\n\n', 'abort', 'unreadable: it is bad'])
  t.strictSame(whole.heard, ['abort', 'unreadable: it is bad'])
  t.strictSame(empty.heard, ['abort', 'unreadable: it is bad'])
})

t.test('a response passes on as it comes while a copy of it is edited', async (t) => {
  const seen: string[] = []
  const note = (bytes: Buffer): Buffer => {
    seen.push(bytes.toString())
    return Buffer.from('{}')
  }
  const streamed = watch({ kind: 'copy', edit: { kind: 'events', edit: ({ data }) => note(data) } }, 2)
  const whole = watch({ kind: 'copy', edit: { kind: 'body', edit: note } }, 2)
  for (const { edited, heard } of [streamed, whole]) {
    t.equal(edited.onData(Buffer.from('data: 1\n')), true)
    t.strictSame(heard, [200, 'data: 1\n'], 'before it is complete')
    t.equal(edited.onData(Buffer.from('\n')), false, 'a client that reads slowly pauses it')
    edited.onEnd()
    t.strictSame(heard, [200, 'data: 1\n', '\n', 'end'])
  }
  t.strictSame(seen, ['1', 'data: 1\n\n'])
})

t.test('a copy that cannot be edited changes nothing', async (t) => {
  const edits: readonly ResponseEdit[] = [
    { kind: 'events', edit: ({ data }) => throwIfBad(data) },
    { kind: 'body', edit: throwIfBad },
    { kind: 'failure', reason: 'it is bad' },
    { kind: 'failure-if-any', reason: 'it is bad' },
    { kind: 'without-body' },
    { kind: 'none' }
  ]
  for (const edit of edits) {
    const { edited, heard } = watch({ kind: 'copy', edit })
    edited.onData(Buffer.from('data: bad\n\n'))
    edited.onData(Buffer.from('data: more\n\n'))
    edited.onEnd()
    t.strictSame(heard, [200, 'data: bad\n\n', 'data: more\n\n', 'end'], edit.kind)
    const broken = watch({ kind: 'copy', edit })
    broken.edited.onFailure({ kind: 'broken', reason: 'it broke off' })
    t.strictSame(broken.heard, [200, 'broken: it broke off'], edit.kind)
  }
})

t.test('a held body must be complete in time, and nothing else', async (t) => {
  const edits: readonly ResponseEdit[] = [
    { kind: 'body', edit: (body) => body },
    { kind: 'failure-if-any', reason: 'it is bad' }
  ]
  for (const edit of edits) {
    const clock = createTestClock()
    const { heard } = watch(edit, Infinity, clock)
    clock.advance(1001)
    t.strictSame(heard, ['abort', 'timeout: the body did not become complete in time'], edit.kind)
    const ended = watch(edit, Infinity, clock)
    ended.edited.onEnd()
    watch(edit, Infinity, clock).edited.onFailure({ kind: 'broken', reason: 'it broke off' })
    t.equal(clock.pending(), 0, edit.kind)
  }
  const clock = createTestClock()
  watch({ kind: 'events', edit: ({ data }) => data }, Infinity, clock)
  watch({ kind: 'copy', edit: { kind: 'body', edit: (body) => body } }, Infinity, clock)
  watch({ kind: 'none' }, Infinity, clock)
  t.equal(clock.pending(), 0)
})
