// Bodies that cost more than they weigh: nesting that overflows the stack, names that collide, floods of
// members, strings, escapes and numbers, targets by the thousand. Fell for it: recursive parsers
// (CVE-2023-1370 json-smart, CVE-2022-42003 Jackson, CVE-2025-52999), hash tables with predictable collisions
// (CVE-2011-4885 and its kind; array indices in V8), regular expressions over names. It fails here because
// the scan is one pass that stops at a depth of 64, and time grows with size alone (M4).
import t from 'tap'
import { readMessage } from '../../src/mcp/message.js'
import { startScene } from '../helpers/scene.js'
import { permits, refuses, stillWorks } from './assertions.js'

const SIZE = 1 << 19

const repeat = (
  text: string, size: number
): string => text.repeat(Math.ceil(size / text.length)).slice(0, Math.ceil(size / text.length) * text.length)
const inArguments = (json: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_todos","arguments":${json}}}`
const members = (name: (index: number) => string, size: number): string => {
  const parts: string[] = []
  for (let index = 0, length = 0; length < size; index++) length += (parts[parts.length] = `${JSON.stringify(name(index))}:0`).length
  return `{${parts.join(',')}}`
}

const BOMBS: Readonly<Record<string, (size: number) => string>> = {
  'arrays in arrays': (size) => inArguments(`${'['.repeat(size / 2)}${']'.repeat(size / 2)}`),
  'arrays that never end': (size) => inArguments('['.repeat(size)),
  'objects in objects': (size) => inArguments(`${repeat('{"a":', size)}1`),
  'many arrays side by side': (size) => inArguments(`[${repeat('[[]],', size)}1]`),
  'deep as allowed, again and again': (size) => inArguments(`[${repeat(`${'['.repeat(50)}${']'.repeat(50)},`, size)}1]`),
  'many members': (size) => inArguments(members((index) => `m${index}`, size)),
  'members that are array indices': (size) => inArguments(members((index) => String(index), size)),
  'members whose array indices collide': (size) => inArguments(members((index) => String(index * 65_536), size)),
  'members that differ at the end of a long name': (size) => inArguments(members((index) => 'x'.repeat(200) + index, size)),
  'members that differ in the middle of a long name': (size) => inArguments(members((index) => `${'x'.repeat(100)}${index}${'x'.repeat(100)}`, size)),
  'members with escaped names': (size) => inArguments(members((index) => `"\n${index}`, size)),
  'members beyond ASCII': (size) => inArguments(members((index) => `\u00e9${index}`, size)),
  'members of the message': (size) => `{"jsonrpc":"2.0","id":1,"method":"ping",${members((index) => `m${index}`, size).slice(1)}`,
  'members of the message beyond ASCII': (size) => `{"jsonrpc":"2.0","id":1,"method":"ping",${members((index) => `\u0130${index}`, size).slice(1)}`,
  'the same member again and again': (size) => inArguments(`{${repeat('"a":0,', size)}"a":0}`),
  'small objects': (size) => inArguments(`[${repeat('{"a":{"b":1,"c":[]}},', size)}1]`),
  'a long string': (size) => inArguments(`"${'x'.repeat(size)}"`),
  'a string of escapes': (size) => inArguments(`"${repeat('\\u0041', size)}"`),
  'a string of quotes': (size) => inArguments(`"${repeat('\\"', size)}"`),
  'a long name of the tool, escaped': (size) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${repeat('\\u0041', size)}"}}`,
  'a long member name': (size) => inArguments(`{"${'x'.repeat(size)}":1}`),
  'a long number': (size) => inArguments('9'.repeat(size)),
  'a long exponent': (size) => inArguments(`1e${'9'.repeat(size)}`),
  'many numbers': (size) => inArguments(`[${repeat('1e308,', size)}1]`),
  'white space': (size) => inArguments(`[${repeat(' \t\r\n', size)}]`),
  backslashes: (size) => inArguments(`"${repeat('\\\\', size)}"`),
  commas: (size) => inArguments(`[${','.repeat(size)}]`),
  'many targets': (size) => `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[${repeat('"a:b",', size)}"a:b"]}}}`
}

/** Least processor time of several runs, in microseconds. */
function cost (body: Buffer): number {
  const runs = Array.from({ length: 2 }, () => {
    const before = process.cpuUsage()
    try {
      readMessage(body, { maxDepth: 64 })
    } catch {
      // Refused or not, it is the time that counts.
    }
    return process.cpuUsage(before).user
  })
  return Math.min(...runs)
}

t.test('time grows with size alone', async (t) => {
  for (const [name, bomb] of Object.entries(BOMBS)) {
    const small = cost(Buffer.from(bomb(SIZE / 8)))
    const large = cost(Buffer.from(bomb(SIZE)))
    t.ok(large < 8 * 5 * Math.max(small, 5000), `${name}: ${small} µs for an eighth, ${large} µs for the whole`)
    t.ok(large < 1_000_000, `${name}: less than a second for half a MiB`)
  }
})

t.test('each of them is answered, and the gateway serves on', async (t) => {
  const scene = await startScene(t)
  const { token } = scene
  const refused = ['arrays in arrays', 'arrays that never end', 'objects in objects', 'the same member again and again', 'commas', 'many targets']
  for (const [name, bomb] of Object.entries(BOMBS)) {
    const body = bomb(SIZE / 8)
    if (refused.includes(name)) await refuses(t, scene, name, { token, body }, { status: 400 })
    else if (name === 'a long name of the tool, escaped') await refuses(t, scene, name, { token, body }, { status: 403 })
    else await permits(t, scene, name, { token, body })
  }
  await stillWorks(t, scene)
})

t.test('a body beyond the limit is refused, by its length or when it is reached', async (t) => {
  const scene = await startScene(t, { config: { limits: { bodyBytes: 100_000 } } })
  const { token } = scene
  const body = inArguments(`"${'x'.repeat(200_000)}"`)
  await refuses(t, scene, 'by its length', { token, body }, { status: 413, code: -32600 })
  await refuses(t, scene, 'by a length alone', { token, headers: ['Content-Length: 9007199254740991'], contentLength: false, body: '{' }, { status: 413 })
  await refuses(t, scene, 'by its chunks', { token, headers: ['Transfer-Encoding: chunked'], contentLength: false, body: `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` }, { status: 413 })
  await refuses(t, scene, 'by small chunks', { token, headers: ['Transfer-Encoding: chunked'], contentLength: false, body: `${'1\r\nx\r\n'.repeat(100_001)}0\r\n\r\n` }, { status: 413 })
  await refuses(t, scene, 'without a token nothing is read of it', { headers: ['Content-Length: 9007199254740991'], contentLength: false, body: '{' }, { status: 401 })
  await stillWorks(t, scene)
})

t.test('names and URIs that make patterns work hard cost little', async (t) => {
  const scene = await startScene(t, { config: { policy: { tools: { '*a*a*a*a*a*b': true, '*_todo': true }, resources: { 'file:///*/*/*/*x*x*x*y': true, 'todo://**a**a**a**b': true } } } })
  const { token } = scene
  const before = process.cpuUsage()
  const uris = Array.from({ length: 400 }, (_, index) => `${index % 2 === 0 ? 'file:///' : 'todo://'}${(index % 2 === 0 ? 'x/x' : 'a').repeat(2000)}${index}`)
  await refuses(t, scene, 'a name', { token, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a'.repeat(8000) } }) }, { status: 403 })
  await refuses(t, scene, 'many URIs', { token, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: { notifications: { resourceSubscriptions: uris } } }) }, { status: 403 })
  t.ok(process.cpuUsage(before).user < 3_000_000)
})
