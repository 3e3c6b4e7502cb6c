// Lists that cost more than they weigh: an upstream that was taken over answers with millions of empty
// entries, or with an event of millions of lines, so that reading them takes a hundred times their size and
// the process dies with every principal's calls. Fell for it: whatever limits bytes and then builds objects
// from them (CWE-770; CVE-2020-7662 and its kind limit neither). It fails here because what is held to be
// read is limited in bytes, in entries and in lines (F4), and refused (P9).
import t from 'tap'
import { filterListing, listedTools, readListing, UnreadableList, type ListFilter } from '../../src/mcp/listing.js'
import { editEvents, TooManyLines } from '../../src/mcp/event-stream.js'
import { readMessage } from '../../src/mcp/message.js'
import { rememberToolHeaders } from '../../src/mcp/tool-headers.js'
import { startScene } from '../helpers/scene.js'
import { stillWorks } from './assertions.js'

const MOST = 100_000
const SIZE = 15 * 1024 * 1024
const EVERYTHING: ListFilter = { isModern: false, isAllowed: () => true }

function list (entries: string): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{"tools":[${entries}]}}`)
}

function countEvents (stream: string): number {
  let count = 0
  const editor = editEvents(({ data }) => {
    count++
    return data
  }, 2 * SIZE, () => {})
  editor.push(Buffer.from(stream))
  return count
}

t.test('F4: a list has as many entries as anybody needs, and no more', async (t) => {
  const most = list(Array.from({ length: MOST }, () => '{"name":"a"}').join(','))
  t.equal(filterListing(readListing(most), EVERYTHING), most)
  const more = list(Array.from({ length: MOST + 1 }, () => '{"name":"a"}').join(','))
  t.throws(() => readListing(more), UnreadableList)
})

t.test('F4: an event has as many lines as anybody needs, and no more', async (t) => {
  t.equal(countEvents('data\n'.repeat(MOST - 1) + '\n'), 1)
  t.throws(() => countEvents('data\n'.repeat(MOST) + '\n'), TooManyLines)
  t.throws(() => countEvents('a\n'.repeat(MOST) + '\n'), TooManyLines, 'of any field')
  t.equal(countEvents('data\n\n'.repeat(MOST + 1)), MOST + 1, 'any number of events passes')
  t.equal(countEvents(':\n'.repeat(MOST + 1)), 0, 'and of comments')
})

t.test('a tool whose names are long is not remembered', async (t) => {
  const toolHeaders = rememberToolHeaders()
  /** Whether a call without the header that the schema asks for is refused. */
  function isKnown (name: string, properties: readonly string[], header = 'h'): boolean {
    const schema = { properties: Object.fromEntries(properties.map((property, index) => [property, { type: 'string', 'x-mcp-header': header + String(index) }])) }
    toolHeaders.learn(listedTools(readListing(list(JSON.stringify({ name, inputSchema: schema })))))
    const params = { name, arguments: { [properties[0] as string]: 'x' }, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }))
    try {
      toolHeaders.check(readMessage(body, { maxDepth: 64 }), [])
      return false
    } catch {
      return true
    }
  }
  t.ok(isKnown('a', ['b']))
  t.ok(isKnown('a'.repeat(4000), ['b'.repeat(4000)]))
  t.notOk(isKnown('a'.repeat(9000), ['b']), 'the name')
  t.notOk(isKnown('a', ['b'.repeat(9000)]), 'an argument')
  t.notOk(isKnown('a', ['b'], 'h'.repeat(9000)), 'a header')
  t.notOk(isKnown('a', Array.from({ length: 60 }, (_, index) => 'b'.repeat(150) + String(index))), 'all arguments together')
})

t.test('F4: responses that unfold in memory are refused, and the gateway serves on', async (t) => {
  const scene = await startScene(t)
  const { gateway, upstream, token } = scene
  const answer = upstream.answer
  const bombs: ReadonlyArray<readonly [type: string, body: Buffer, status: number]> = [
    ['application/json', list('{},'.repeat(SIZE / 3) + '{}'), 502],
    ['text/event-stream', Buffer.from('a\n'.repeat(SIZE / 2) + '\n'), 200],
    ['text/event-stream', Buffer.from('data\n'.repeat(SIZE / 5) + '\n'), 200]
  ]
  for (const [type, body, status] of bombs) {
    upstream.answer = (_request, response) => { response.writeHead(200, { 'content-type': type }).end(body) }
    const response = await gateway.post(token, { jsonrpc: '2.0', id: 1, method: 'tools/list' })
    t.equal(response.status, status)
    if (status === 200) await t.rejects(response.arrayBuffer(), 'the stream breaks off')
    else t.match(await response.json(), { error: { data: { error: 'upstream_list_unreadable' } } })
  }
  upstream.answer = answer
  await stillWorks(t, scene)
})
