import t from 'tap'
import { openLogger, SILENT, type Logger } from '../../src/telemetry/logger.js'
import { prettyLines } from '../../src/telemetry/pretty-line.js'

const plain = prettyLines((_style, text) => text)
const line = (fields: object): string => plain(`${JSON.stringify({ time: '2026-11-22T07:26:15.108Z', ...fields })}\n`)

t.test('a line has time, level, event, sentence and fields', async (t) => {
  t.equal(
    line({ level: 30, event: 'started', url: 'http://localhost:3002', adminUrl: undefined, resources: ['a', 'b'], message: 'listening on http://localhost:3002' }),
    '07:26:15.108 INFO  started listening on http://localhost:3002 url=http://localhost:3002 resources=["a","b"]\n'
  )
  t.equal(
    line({ level: 40, event: 'request', httpStatus: 403, complete: true, rule: 'tools.*_todo', client: { target: 'create_todo', detail: 'missing todo:write' } }),
    '07:26:15.108 WARN  request httpStatus=403 complete=true rule=tools.*_todo client.target=create_todo client.detail="missing todo:write"\n'
  )
  t.equal(line({ level: 50 }), '07:26:15.108 ERROR\n', 'nothing more than there is')
})

t.test('a stack trace stays on one line', async (t) => {
  const text = line({ level: 50, event: 'failure', err: { message: 'a\nb', stack: 'Error: a\n    at b' } })
  t.equal(text, '07:26:15.108 ERROR failure err.message="a\\nb" err.stack="Error: a\\n    at b"\n')
})

t.test('what could be read as something else is quoted', async (t) => {
  for (const value of ['', ' ', 'a b', 'a=b', '"', '\\', '\u001b[31m', '\u202e', '\u00ad', 'é', '\u0301', '\ud800', 'null\n']) {
    const [, written = ''] = / x=(.*)\n$/s.exec(line({ level: 30, x: value })) ?? []
    t.match(written, /^"[^\n]*"$/)
    t.equal(JSON.parse(written), value)
  }
  t.match(line({ level: 30, 'a b=c\n': 1 }), / "a b=c\\n"=1\n$/, 'a name as well')
  t.match(line({ level: 30, message: 'a\nb\u2066' }), / "a\\nb\\u2066"\n$/, 'a sentence as well')
})

t.test('styles mark time, level, event and names of fields', async (t) => {
  const marked = prettyLines((style, text) => `<${style} ${text}>`)
  t.equal(marked('{"level":40,"time":"2026-11-22T07:26:15.108Z","event":"log","lost":3}\n'), '<dim 07:26:15.108> <yellow WARN > <cyan log> <dim lost=>3\n')
})

t.test('a level that is off has no function to call', async (t) => {
  const written: string[] = []
  const sink = { write (text: string) { written.push(text) } }
  const open = (level: string): Logger => openLogger(level, sink, plain)
  for (const level of ['info', 'warn', 'fatal', 'silent']) t.equal(open(level).debug, undefined, level)
  t.equal(SILENT.debug, undefined)
  for (const level of ['debug', 'trace']) open(level).debug?.({ event: 'x' })
  const { info, warn, error, fatal } = open('error')
  for (const write of [info, warn, error, fatal]) write({ event: 'y' })
  t.strictSame(written.map((text) => text.slice(13).trimEnd()), ['DEBUG x', 'DEBUG x', 'ERROR y', 'FATAL y'])
})
