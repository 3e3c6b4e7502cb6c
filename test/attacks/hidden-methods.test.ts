// A tool call that does not look like one: without an id, as a response, under a method in another case, with
// members that are something else than they should be. Fell for it: checks that ask for `method ===
// 'tools/call'` and let everything else through (set-up 2, SKMCP, platformatic; pitfalls 32, 34); gateways
// whose unknown methods pass (peers, "Unknown methods denied"). It fails here because every message maps to
// operations and what no rule names is denied (P1, P4).
import t from 'tap'
import { sendOne } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { permits, printable, refuses, stillWorks } from './assertions.js'

t.test('a call without an id is decided like a call', async (t) => {
  const scene = await startScene(t)
  const call = (name: string): string => JSON.stringify({ jsonrpc: '2.0', method: 'tools/call', params: { name } })
  const text = await refuses(t, scene, 'denied', { token: scene.readToken, body: call('delete_todo') }, { status: 403, code: 403 })
  t.notMatch(text, '"id"')
  await permits(t, scene, 'permitted', { token: scene.readToken, body: call('list_todos') })
  const modern = JSON.stringify({ jsonrpc: '2.0', method: 'tools/call', params: { name: 'list_todos', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } } })
  await refuses(t, scene, 'a modern one without its headers', { token: scene.readToken, headers: ['MCP-Protocol-Version: 2026-07-28'], body: modern }, { status: 400, code: -32020 })
})

t.test('a method that only resembles a known one is unknown, and denied', async (t) => {
  const scene = await startScene(t)
  const methods = [
    'Tools/Call', 'TOOLS/CALL', 'tools/Call', 'tools/call ', ' tools/call', 'tools/call\t', 'tools/call\n', 'tools/call\0', 'tools/call\u200b', 'tools\uff0fcall', 'tools\u2215call', 'tools//call', 'tools/./call', '/tools/call', 'tools/call/', 'tools.call', 'tools:call', 'tools_call', 'tools\\call', 'tools%2fcall', 'tools/call#', 'tools/call?x', 'tools/cal\u013a', 'tool\u017f/call', 'tools', '', ' ', '*', '__proto__', 'constructor', 'toString',
    'tools/execute', 'tasks/get', 'tasks/cancel', 'tasks/list', 'sampling/createMessage', 'elicitation/create', 'roots/list', 'resources/write', 'rpc.discover', 'system.listMethods', '(response)', '(responses)', 'Notifications/x', 'notifications', 'notification/x'
  ]
  for (const method of methods) {
    for (const id of [{ id: 1 }, {}]) {
      await refuses(t, scene, `${JSON.stringify(method)}${'id' in id ? '' : ' without an id'}`, { token: scene.token, body: JSON.stringify({ jsonrpc: '2.0', ...id, method, params: { name: 'list_todos' } }) }, { status: 403 })
    }
  }
  await stillWorks(t, scene)
})

t.test('a response hides no method, and is none on modern traffic', async (t) => {
  const scene = await startScene(t)
  const { token } = scene
  const FORBIDDEN = '"params":{"name":"delete_todo"}'
  const bodies = [
    `{"jsonrpc":"2.0","id":1,"result":{},"method":"tools/call",${FORBIDDEN}}`,
    `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""},"method":"tools/call",${FORBIDDEN}}`,
    `{"jsonrpc":"2.0","id":1,"result":null,"method":"tools/call",${FORBIDDEN}}`,
    `{"jsonrpc":"2.0","id":1,"result":{},"Method":"tools/call",${FORBIDDEN}}`,
    `{"jsonrpc":"2.0","id":1,"result":{},"method":null,${FORBIDDEN}}`,
    `{"jsonrpc":"2.0","id":1,"method":["tools/call"],${FORBIDDEN}}`,
    `{"jsonrpc":"2.0","id":1,"method":{"toString":"tools/call"},${FORBIDDEN}}`,
    '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
    '{"jsonrpc":"2.0","result":{}}',
    `{"jsonrpc":"2.0","id":1,${FORBIDDEN}}`,
    '{"jsonrpc":"2.0","id":1}',
    '{}',
    '{"jsonrpc":"1.0","id":1,"method":"ping"}', '{"jsonrpc":2.0,"id":1,"method":"ping"}', '{"jsonrpc":"2.0 ","id":1,"method":"ping"}', '{"id":1,"method":"ping"}', '{"jsonrpc":["2.0"],"id":1,"method":"ping"}'
  ]
  for (const body of bodies) await refuses(t, scene, body, { token, body }, { status: 400, code: -32600 })
  const response = '{"jsonrpc":"2.0","id":1,"result":{"method":"tools/call"}}'
  await refuses(t, scene, 'a response on modern traffic', { token, headers: ['MCP-Protocol-Version: 2026-07-28'], body: response }, { status: 400, code: -32600 })
  await refuses(t, scene, 'a response with a method in the headers', { token, headers: ['Mcp-Method: tools/call'], body: response }, { status: 400, code: -32020 })
  t.equal((await sendOne(scene.gateway, { token, body: response })).statuses[0], 200, 'a legacy one is a response')
  await refuses(t, scene, 'a response without a token', { body: response }, { status: 401 })
})

t.test('an id of any type but string and number is refused, and those are repeated as they were sent', async (t) => {
  const scene = await startScene(t)
  const call = (id: string): string => `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"delete_todo"}}`
  for (const id of ['null', 'true', 'false', '[]', '{}', '[1]', '{"a":1}']) await refuses(t, scene, id, { token: scene.readToken, body: call(id) }, { status: 400, code: -32600 })
  const ids = ['1', '-1', '0', '-0', '1.5', '1e2', '1E400', '12345678901234567890123', '0.1000', '""', '"a"', '"</script><script>"', '"\\u0000\\r\\n"', '"\\ud800"', '"\u00e9\u2028"', `"${'x'.repeat(10_000)}"`]
  for (const id of ids) {
    const { statuses, text } = await sendOne(scene.gateway, { token: scene.readToken, body: call(id) })
    t.same(statuses, [403], printable(`id ${id.slice(0, 40)}`))
    t.ok(Buffer.from(text, 'latin1').toString('utf8').includes(`{"jsonrpc":"2.0","id":${id},"error":{`), 'digit for digit')
  }
  t.equal(scene.upstream.received.length, 0)
})

t.test('what an error repeats of a message is JSON and nothing else', async (t) => {
  const scene = await startScene(t)
  const name = '<script>alert(1)</script>"\r\n\u2028&#x27;\\'
  const { statuses, text } = await sendOne(scene.gateway, { token: scene.readToken, headers: ['Accept: text/html'], body: JSON.stringify({ jsonrpc: '2.0', id: '</script>', method: 'tools/call', params: { name } }) })
  t.same(statuses, [403])
  t.match(text, /\r\ncontent-type: application\/json; charset=utf-8\r\n/i)
  t.match(text, /\r\ncache-control: no-store\r\n/i)
  const [head, body] = Buffer.from(text, 'latin1').toString('utf8').split('\r\n\r\n') as [string, string]
  t.notMatch(head, 'script')
  t.equal((JSON.parse(body) as { error: { data: { target: string } } }).error.data.target, name)
  const challenge = await sendOne(scene.gateway, { headers: ['MCP-Protocol-Version: 2026-07-28', 'Mcp-Method: tools/call', 'Mcp-Name: ", error="x'], body: '{}' })
  t.same(challenge.statuses, [401])
  t.notMatch(challenge.text, /error="x|Mcp-Name|, error=/)
})
