// Members that one JSON reader takes and another does not: the same name twice, in another case, in another
// spelling, or inherited. Whoever authorises the one and runs the other lets a caller do what it may not.
// Fell for it: the MCP Go SDK (CVE-2026-27896, names in any case and with Unicode folding),
// docker/mcp-gateway (PR 414, 418), Envoy's MCP filter by default (PR 45202); JSON itself leaves duplicates
// open (RFC 8259 §4). It fails here because every such body is refused before the policy is asked (M3), and
// the bytes examined are those sent.
import t from 'tap'
import { findMisled } from '../helpers/naive-json.js'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

const call = (members: string): string => `{"jsonrpc":"2.0","id":1,${members}}`
const PERMITTED = '"method":"tools/call","params":{"name":"list_todos","arguments":{}}'
const FORBIDDEN = '"params":{"name":"delete_todo","arguments":{}}'

const AMBIGUOUS = [
  // twice
  call(`${PERMITTED},${FORBIDDEN}`),
  call(`${FORBIDDEN},${PERMITTED}`),
  call(`"method":"ping",${PERMITTED}`),
  call(`${PERMITTED},"method":"ping"`),
  call('"method":"tools/call","params":{"name":"list_todos","name":"delete_todo"}'),
  call('"method":"tools/call","params":{"name":"delete_todo","name":"list_todos"}'),
  call('"method":"tools/call","params":{"name":"list_todos","arguments":{"a":1,"a":2}}'),
  call('"method":"tools/call","params":{"name":"list_todos","arguments":{"a":[{"b":{"c":1,"d":2,"c":3}}]}}'),
  call(`${PERMITTED},"id":2`),
  call(`${PERMITTED},"jsonrpc":"1.0"`),
  // twice after unescaping
  call('"method":"tools/call","params":{"name":"list_todos","n\\u0061me":"delete_todo"}'),
  call('"method":"tools/call","params":{"n\\u0061me":"delete_todo","name":"list_todos"}'),
  call(`${PERMITTED},"\\u006dethod":"ping"`),
  call('"method":"tools/call","params":{"name":"list_todos","arguments":{"\\u0061":1,"a":2}}'),
  call('"method":"tools/call","params":{"name":"list_todos","arguments":{"a\\/b":1,"a/b":2}}'),
  // once, but escaped: a filter that looks at bytes misses it
  call('"method":"tools/call","params":{"n\\u0061me":"delete_todo"}'),
  call('"\\u006dethod":"tools/call","params":{"name":"list_todos"}'),
  // in another case
  call(`${PERMITTED},"Method":"tools/call","Params":{"name":"delete_todo"}`),
  call(`${PERMITTED},"PARAMS":{"name":"delete_todo"}`),
  call('"method":"tools/call","params":{"name":"list_todos","Name":"delete_todo"}'),
  call('"Method":"tools/call","Params":{"Name":"delete_todo"}'),
  call('"method":"tools/call","params":{"NAME":"delete_todo"}'),
  call('"method":"tools/call","params":{"name":"list_todos","Arguments":{}}'),
  call(`${PERMITTED},"ID":2`),
  call(`${PERMITTED},"Result":{}`),
  call(`${PERMITTED},"ERROR":{}`),
  '{"JSONRPC":"2.0",' + call(PERMITTED).slice(1),
  // with Unicode folding: long s, Kelvin sign, dotless and dotted i, full width, ligatures
  call(`${PERMITTED},"param\u017f":{"name":"delete_todo"}`),
  call(`${PERMITTED},"param\\u017F":{"name":"delete_todo"}`),
  call(`${PERMITTED},"\uff50\uff41\uff52\uff41\uff4d\uff53":{"name":"delete_todo"}`),
  call('"method":"tools/call","params":{"name":"list_todos","\uff4eame":"delete_todo"}'),
  call('"method":"tools/call","params":{"name":"list_todos","na\u200bme":"delete_todo"}'),
  call('"method":"tools/call","params":{"name":"list_todos","na\u00adme":"delete_todo"}'),
  call('"method":"tools/call","params":{"name":"list_todos","\ufeffname":"delete_todo"}'),
  call('"method":"resources/read","params":{"uri":"todo://a","ur\u0130":"todo://b"}'),
  // cut at NUL, spelled with other separators
  call('"method":"tools/call","params":{"name":"list_todos","name\\u0000":"delete_todo"}'),
  call('"method":"tools/call","params":{"name\\u0000x":"delete_todo","name":"list_todos"}'),
  call(`${PERMITTED},"method\\u0000":"ping"`),
  call('"method":"tools/call","params":{"name":"list_todos","_name":"delete_todo"}'),
  call('"method":"tools/call","params":{"name":"list_todos","meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}'),
  call('"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[],"resource_subscriptions":["file:///etc/passwd"]}}'),
  call('"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[],"ResourceSubscriptions":["file:///etc/passwd"]}}'),
  call('"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"a","URI":"b"}}'),
  // inherited
  call('"method":"tools/call","__proto__":{"params":{"name":"delete_todo"}}'),
  call(`${PERMITTED},"__proto__":{"params":{"name":"delete_todo"}}`),
  call('"method":"tools/call","params":{"__proto__":{"name":"delete_todo"},"name":"list_todos"}'),
  call('"method":"tools/call","params":{"\\u005f_proto__":{"name":"delete_todo"},"name":"list_todos"}')
]

t.test('M3: members that two readers would not agree on are refused', async (t) => {
  const scene = await startScene(t)
  for (const body of AMBIGUOUS) {
    await refuses(t, scene, body, { token: scene.token, body }, { status: 400, code: -32600 })
  }
  await stillWorks(t, scene)
})

t.test('M3: more names than are compared one by one hide no duplicate', async (t) => {
  const scene = await startScene(t)
  const many = Array.from({ length: 5000 }, (_, index) => `"x${index}":0`).join(',')
  for (const [start, end] of [['"name":"list_todos"', '"name":"delete_todo"'], ['"name":"list_todos"', '"Name":"delete_todo"'], ['"name":"list_todos"', '"n\\u0061me":"delete_todo"']]) {
    await refuses(t, scene, `${end} at the end`, { token: scene.token, body: call(`"method":"tools/call","params":{${start},${many},${end}}`) }, { status: 400, code: -32600 })
  }
  await refuses(t, scene, 'in arguments', { token: scene.token, body: call(`"method":"tools/call","params":{"name":"list_todos","arguments":{${many},"x17":1}}`) }, { status: 400, code: -32600 })
  await permits(t, scene, 'all different', { token: scene.token, body: call(`"method":"tools/call","params":{"name":"list_todos","arguments":{${many}}}`) })
})

t.test('M3: bodies that every reader reads alike get through, byte for byte', async (t) => {
  const scene = await startScene(t)
  const bodies = [
    PERMITTED_CALL,
    ` \t\r\n${PERMITTED_CALL}\n`,
    call('"method":"tools/call","params":{"name":"list_todos","arguments":{"method":"tools/call","name":"delete_todo","Name":1,"NAME":2}}'),
    call('"method":"tools/call","params":{"name":"list_todos","arguments":{"n":12345678901234567890,"e":1.0e+10,"z":-0,"s":"\\ud83d\\ude00\\/"}}'),
    call('"method":"tools\\u002fcall","params":{"name":"list\\u005ftodos"}'),
    '{"params":{"arguments":{},"name":"list_todos"},"method":"tools/call","id":"x","jsonrpc":"2.0"}'
  ]
  for (const body of bodies) {
    t.same(findMisled(Buffer.from(body), { method: 'tools/call', targets: ['list_todos'] }), [], body)
    await permits(t, scene, body, { token: scene.readToken, body })
  }
})

t.test('M3: the careless readers are careless: most of the refused bodies mislead at least one of them', (t) => {
  const misleading = AMBIGUOUS.filter((body) => findMisled(Buffer.from(body), { method: 'tools/call', targets: ['list_todos'] }).length > 0)
  t.ok(misleading.length > AMBIGUOUS.length / 2, `${misleading.length} of ${AMBIGUOUS.length}`)
  t.end()
})
