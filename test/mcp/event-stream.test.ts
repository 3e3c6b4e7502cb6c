import fc from 'fast-check'
import t from 'tap'
import { editEvents, type EditEvent, type ServerSentEvent } from '../../src/mcp/event-stream.js'
import { holdBytes, TooManyBytes } from '../../src/mcp/held-bytes.js'

const KEEP: EditEvent = ({ data }) => data
const LIMIT = 1 << 20

/** Everything that is handed on for these chunks; `ended` false leaves the stream open. */
function run (
  chunks: ReadonlyArray<string | Buffer>, edit: EditEvent = KEEP, ended = true, limit = LIMIT
): string {
  const out: Buffer[] = []
  const editor = editEvents(edit, limit, (bytes) => out.push(bytes))
  for (const chunk of chunks) editor.push(Buffer.from(chunk))
  if (ended) editor.end()
  return Buffer.concat(out).toString('latin1')
}

/** The events that an edit sees, and that a reader of the standard dispatches. */
function eventsOf (text: string): { type: string, data: string }[] {
  const seen: ServerSentEvent[] = []
  run([text], (event) => {
    if (event.data.length > 0 || event.stray.length === 0) seen.push(event)
    return event.data
  })
  return seen.map(({ type, data }) => ({ type, data: data.toString() }))
}

t.test('events are read as WHATWG HTML §9.2.6 says', async (t) => {
  const cases: ReadonlyArray<readonly [string, ...(string | readonly [type: string, data: string])[]]> = [
    ['data: a\n\n', 'a'],
    ['data:a\r\rdata:b\r\n\r\ndata:c\n\n', 'a', 'b', 'c'],
    ['data: a\n\r\n', 'a'],
    ['data:  a \n\n', ' a '],
    ['data\n\n', ''],
    ['data:\n\n', ''],
    ['data\ndata\n\n', '\n'],
    ['data: a\ndata\ndata:b\n\n', 'a\n\nb'],
    [': comment\ndata: a\n: data: b\n\n', 'a'],
    ['id: 1\nretry: 5\n\ndata: a\n\n', 'a'],
    ['event: endpoint\ndata: /m\n\n', ['endpoint', '/m']],
    ['data: /m\nevent:x\nevent: endpoint\n\n', ['endpoint', '/m']],
    ['event: x\n\ndata: a\n\n', 'a'],
    ['event\ndata: a\n\n', 'a'],
    ['event:\ndata: a\n\n', 'a'],
    ['\ufeffdata: a\n\n', 'a'],
    ['\n\ufeffdata: a\n\ndata: b\n\n', 'b'],
    ['Data: a\n data: b\ndata : c\ndata: d\n\n', 'd'],
    ['data: a\u2028b\u0085c\n\n', 'a\u2028b\u0085c'],
    ['data: a', 'a'],
    ['data: a\ndata: b\n', 'a\nb']
  ]
  for (const [text, ...events] of cases) {
    t.strictSame(eventsOf(text), events.map((event) => typeof event === 'string' ? { type: 'message', data: event } : { type: event[0], data: event[1] }), encodeURI(text))
  }
})

t.test('only the data of an edited event changes', async (t) => {
  const edit = (text: string): string => run([text], ({ data }) => data.toString().startsWith('a') ? Buffer.from('new') : data)
  t.equal(edit('data: b\nid: 1\n\nid: 2\ndata: a\nretry: 3\n\n: x\n\n'), 'data: b\nid: 1\n\nid: 2\ndata: new\nretry: 3\n\n: x\n\n')
  t.equal(edit('event:message\r\ndata:a\r\nid:\r\ndata:b\r\n\r\n'), 'event:message\r\ndata: new\r\nid:\r\n\r\n')
  t.equal(edit('data:a\r\rdata:c\r\r'), 'data: new\r\rdata:c\r\r')
  t.equal(run(['data:x\ndata\n\n'], ({ data }) => Buffer.from(data)), 'data:x\ndata\n\n', 'equal data is no change')
  t.equal(edit('data: a'), 'data: new', 'also when the stream breaks off within it')
  t.equal(Buffer.from(edit('\ufeffdata: a\n\n'), 'latin1').toString(), '\ufeffdata: new\n\n')
})

t.test('an edited event ends where it ended, whatever its lines end with', async (t) => {
  const edit = (text: string): string => run([text], ({ data }) => data.includes('a') ? Buffer.from('new') : data)
  t.equal(edit('data: a\rdata: b\n\ndata: c\n\n'), 'data: new\r\n\ndata: c\n\n')
  t.equal(edit('data: a\nid: 1\rdata: b\r\n\ndata: c\n\n'), 'data: new\r\nid: 1\r\n\ndata: c\n\n')
  const ends = ['\n', '\r', '\r\n']
  const pairs = ends.flatMap((a) => ends.map((b) => [a, b] as const))
  for (const [first, second, blank] of pairs.flatMap((pair) => ends.map((c) => [...pair, c] as const))) {
    // There the blank line would be a half of the line end before it.
    if (second === '\r' && blank === '\n') continue
    const text = `data: a${first}data: b${second}${blank}data: c\n\n`
    t.strictSame(eventsOf(edit(text)).map(({ data }) => data), ['new', 'c'], JSON.stringify(text))
    t.ok(edit(text).split('\r\n').join('\n').split('\r').join('\n').startsWith('data: new\n\n'), JSON.stringify(text))
  }
})

t.test('lines that are no field are shown, and those that only some readers end', async (t) => {
  const strayOf = (text: string): string[] => {
    const seen: string[] = []
    run([text], ({ data, stray }) => {
      seen.push(...stray.map(String))
      return data
    })
    return seen
  }
  t.strictSame(strayOf(' data: a\nData: b\ndata : c\n\ufeffdata: d\n{}\n\n'), [' data: a', 'Data: b', 'data : c', '\ufeffdata: d', '{}'])
  t.strictSame(strayOf('data: a\ndata\nevent: b\nid: 1\nretry: 2\n: c\n:\n\n'), [])
  t.strictSame(strayOf(': a\u2028b\n: caf\u00e9 \u2026\nid: a\u0085b\nretry: \x0b\n\n'), [': a\u2028b', 'id: a\u0085b', 'retry: \x0b'])
  t.strictSame(strayOf('\n{}'), ['{}'], 'also when the stream breaks off')
  t.equal(run(['{}\n\n'], () => Buffer.from('x')), '{}\n\n', 'they have no data to change')
})

t.test('edited data of several lines becomes several fields', async (t) => {
  const edit = (text: string): string => run([text], ({ data }) => Buffer.from(data.toString().replace('x', '')))
  t.equal(edit('data: {x\r\ndata:\r\ndata: }\r\n\r\n'), 'data: {\r\ndata: \r\ndata: }\r\n\r\n')
  t.equal(edit('data: x\ndata: '), 'data: \ndata: \n')
  t.strictSame(eventsOf(edit('data:  x\ndata: y\n\n')), [{ type: 'message', data: ' \ny' }])
})

t.test('an event is handed on as soon as it is complete, and a comment with its line', async (t) => {
  const handedOn: string[] = []
  const editor = editEvents(KEEP, LIMIT, (bytes) => handedOn.push(bytes.toString()))
  const steps: ReadonlyArray<readonly [chunk: string, ...out: string[]]> = [
    [': ping\n', ': ping\n'],
    [': pi'],
    ['ng\r', ': ping\r'],
    ['\n', '\n'],
    ['\r\n', '\r\n'],
    ['data: a\n'],
    [': within\n'],
    ['\nda', 'data: a\n: within\n\n'],
    ['ta: b\r\n\r', 'data: b\r\n\r'],
    ['\ndata: c\r\r', '\ndata: c\r\r'],
    ['data: d\n\ndata: e\n\ndata: f', 'data: d\n\ndata: e\n\n']
  ]
  for (const [chunk, ...out] of steps) {
    handedOn.length = 0
    editor.push(Buffer.from(chunk))
    t.strictSame(handedOn, out, JSON.stringify(chunk))
  }
})

t.test('an event that cannot be edited ends the stream after the events before it', async (t) => {
  const handedOn: string[] = []
  const editor = editEvents(({ data }) => {
    if (data.toString() === 'bad') throw new Error('bad data')
    return data
  }, LIMIT, (bytes) => handedOn.push(bytes.toString()))
  t.throws(() => editor.push(Buffer.from('data: good\n\nid: 2\ndata: bad\n\ndata: later\n\n')), { message: 'bad data' })
  t.strictSame(handedOn, ['data: good\n\n'])
  const last = editEvents(() => { throw new Error('bad data') }, LIMIT, (bytes) => handedOn.push(bytes.toString()))
  last.push(Buffer.from('data: unfinished'))
  t.throws(() => last.end(), { message: 'bad data' })
  t.equal(handedOn.length, 1)
})

t.test('an event larger than the limit is refused however it is cut, and any number of smaller ones passes', async (t) => {
  const large = `data: ${'x'.repeat(100)}\n\n`
  t.throws(() => run([large], KEEP, true, 99), TooManyBytes)
  t.throws(() => run(large.split(''), KEEP, true, 99), TooManyBytes)
  t.throws(() => run([`:${'x'.repeat(100)}`], KEEP, true, 99), TooManyBytes, 'a comment without an end too')
  const many = 'data: x\n\n'.repeat(1000)
  t.equal(run([many], KEEP, true, 99), many)
})

t.test('held bytes come back as they came, byte by byte or at once', async (t) => {
  const held = holdBytes(5000)
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256))
  for (const byte of bytes) held.append(Buffer.from([byte]))
  t.equal(held.length(), 5000)
  t.throws(() => held.append(Buffer.from('x')), TooManyBytes)
  t.ok(held.take().equals(bytes))
  t.equal(held.length(), 0)
  held.append(bytes)
  t.ok(held.take().equals(bytes))
})

const line = fc.oneof(
  fc.constantFrom('', 'data', 'data:', 'event: x', 'event:', 'id: 1', ': c', ':', 'retry: 1', ' data: x', 'data: {"a":', 'data: "\u00e9\u{1f600}"}'),
  fc.string({ unit: 'binary', maxLength: 6 }).map((text) => `data: ${text.replace(/[\r\n]/g, '')}`),
  fc.string({ unit: fc.constantFrom(':', ' ', 'a', 'data', '\ufeff'), maxLength: 4 })
)
const stream = fc.tuple(fc.constantFrom('', '\ufeff'), fc.array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n')), { maxLength: 12 }), fc.constantFrom('', 'data: tail', ': tail'))
  .map(([mark, lines, tail]) => Buffer.from(mark + lines.flat().join('') + tail))

function cut (bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place))
}

t.test('wherever a stream is cut, the same comes out', async () => {
  const shout: EditEvent = ({ type, data }) => data.length % 2 === 0 ? data : Buffer.from(`${type}\n${data.toString('latin1')}!`)
  fc.assert(
    fc.property(
      stream,
      fc.array(fc.nat(500), { maxLength: 20 }),
      (bytes, cuts) => run(cut(bytes, cuts), shout) === run([bytes], shout)
    ),
    { numRuns: 2000 }
  )
  fc.assert(
    fc.property(
      stream, (bytes) => run(Array.from(bytes, (byte) => Buffer.from([byte])), shout) === run([bytes], shout)
    )
  )
})

t.test('a stream whose events stay as they are keeps every byte', async () => {
  fc.assert(fc.property(stream, fc.array(fc.nat(500), { maxLength: 20 }), (bytes, cuts) => run(cut(bytes, cuts)) === bytes.toString('latin1')), { numRuns: 2000 })
})
