import t from 'tap'
import { trackOpenStreams } from '../../../src/http/response/open-streams.js'

t.test('every stream that is still open is ended, in whatever order the others left', async (t) => {
  for (const leaving of [[], [0], [2], [1, 0], [0, 1, 2], [2, 0, 2]]) {
    const streams = trackOpenStreams()
    const ended: number[] = []
    const forget = [0, 1, 2].map((number) => streams.add(() => { ended.push(number) }))
    for (const number of leaving) forget[number]?.()
    streams.endAll()
    t.strictSame(ended, [0, 1, 2].filter((number) => !leaving.includes(number)), `without ${leaving.join(', ')}`)
  }
})

t.test('a stream that leaves while all are ended keeps none of the others open', async (t) => {
  const streams = trackOpenStreams()
  const ended: number[] = []
  const forget = [0, 1, 2].map((number) => streams.add(() => {
    ended.push(number)
    forget[number]?.()
  }))
  streams.endAll()
  streams.endAll()
  t.strictSame(ended, [0, 1, 2])
})
