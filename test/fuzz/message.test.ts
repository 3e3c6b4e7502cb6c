import t from 'tap'
import { CORPUS, findForbiddenReading, isForwarded } from './message.js'

function call (params: string): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`)
}

const PLANTED: ReadonlyArray<readonly [string, Buffer]> = [
  ['a duplicate member, last wins', call('{"name":"list_todos","name":"delete_todo"}')],
  ['a duplicate member, first wins', call('{"name":"delete_todo","name":"list_todos"}')],
  ['another letter case', call('{"name":"list_todos","Name":"delete_todo"}')],
  ['a long s', call('{"name":"list_todos","arguments":{}},"paramſ":{"name":"delete_todo"}')],
  ['a name that ends at U+0000', call('{"name":"list_todos","name\\u0000":"delete_todo"}')],
  ['a comment', Buffer.from(`/*${call('{"name":"list_todos"}')}*/${call('{"name":"delete_todo"}')}`)],
  ['a batch', Buffer.from(`[${call('{"name":"delete_todo"}').toString()}]`)]
]

t.test('the naive readers see what is hidden in bodies, so the fuzzer can find it', async (t) => {
  for (const [name, body] of PLANTED) {
    t.equal(isForwarded({ headers: [], body }), false, `${name} is not forwarded`)
    t.ok(findForbiddenReading({ headers: [], body }), `${name} would have been a finding`)
  }
})

const MODERN_CALL = call(
  '{"name":"list_todos","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}'
)

const HIDDEN_HEADERS = [
  ['Mcp-Name', 'delete_todo'],
  ['mcp_name', 'delete_todo'],
  ['Mcp-Method', 'admin/reset'],
  ['Mcp-Name', `=?base64?${btoa('delete_todo')}?=`]
]

t.test('the naive readers see what is hidden in headers', async (t) => {
  const right = ['MCP-Protocol-Version', '2026-07-28', 'Mcp-Method', 'tools/call', 'Mcp-Name', 'list_todos']
  t.equal(isForwarded({ headers: right, body: MODERN_CALL }), true)
  t.equal(findForbiddenReading({ headers: right, body: MODERN_CALL }), undefined)
  for (const hidden of HIDDEN_HEADERS) {
    const headers = [...right, ...hidden]
    t.equal(isForwarded({ headers, body: MODERN_CALL }), false, hidden.join(': '))
    t.ok(findForbiddenReading({ headers, body: MODERN_CALL }), hidden.join(': '))
  }
})

t.test('the requests that mutations start from are mostly allowed', async (t) => {
  t.equal(CORPUS.filter(isForwarded).length, CORPUS.length - 3, 'all but three that are denied')
  for (const sample of CORPUS.filter(isForwarded)) t.equal(findForbiddenReading(sample), undefined)
})
