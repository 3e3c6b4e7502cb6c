import t from 'tap'
import { editAnswer, type Treatment } from '../../src/http/edited-answer.js'
import type { ResponseReceiver } from '../../src/upstream/upstream.js'

interface Watched {
  readonly edited: ResponseReceiver
  /** What reached the receiver behind, and the control, in order. */
  readonly heard: unknown[]
}

/** Puts a treatment before a receiver that takes `room` chunks before it asks for a pause. */
function watch (treatment: Treatment, room = Infinity): Watched {
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
  const edited = editAnswer(receiver, { resume () {}, abort: () => heard.push('abort') }, () => treatment)
  edited.onResponse(200, {})
  return { edited, heard }
}

function throwIfBad (bytes: Buffer): Buffer {
  if (bytes.includes('bad')) throw new Error('it is bad')
  return bytes
}

t.test('a client that reads slowly pauses an edited stream', async (t) => {
  const { edited } = watch({ as: 'events', edit: ({ data }) => data }, 2)
  t.equal(edited.onData(Buffer.from('data: 1\n\n')), true)
  t.equal(edited.onData(Buffer.from('data: 2')), true, 'nothing was handed on')
  t.equal(edited.onData(Buffer.from('\n\n')), false)
  t.equal(edited.onData(Buffer.from('data: 3')), true, 'one pause is asked for once')
})

t.test('after a failure nothing is heard any more, whatever still comes', async (t) => {
  const streamed = watch({ as: 'events', edit: ({ data }) => throwIfBad(data) })
  const whole = watch({ as: 'body', edit: throwIfBad })
  const empty = watch({ as: 'failure', reason: 'it is bad', ifAny: true })
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
