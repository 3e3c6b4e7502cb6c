// Several messages in one body: the first is authorised, the others ride along.
// Fell for it: set-up 2 and its demos, whose check `req.body?.method === 'tools/call'` is false for an array
// (pitfalls 32); babs/mcp-auth-proxy passes batches; Pomerium goes on after a parse error (peers).
// It fails here because a body is one object and nothing after it (M2); batching left the protocol in
// 2025-06-18.
import t from 'tap'
import { findMisled } from '../helpers/naive-json.js'
import { startScene } from '../helpers/scene.js'
import { FORBIDDEN_CALL, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

t.test('M2: a body with more than one message, or with something else around it, is refused', async (t) => {
  const scene = await startScene(t)
  const invalid = [
    '[]',
    '[[]]',
    `[${PERMITTED_CALL}]`,
    `[${PERMITTED_CALL},${FORBIDDEN_CALL}]`,
    `[${FORBIDDEN_CALL},${PERMITTED_CALL}]`,
    `[${PERMITTED_CALL},1]`,
    `[{"jsonrpc":"2.0","method":"notifications/initialized"},${FORBIDDEN_CALL}]`,
    '"tools/call"', '1', 'null', 'true'
  ]
  const unreadable = [
    `${PERMITTED_CALL}${FORBIDDEN_CALL}`,
    `${PERMITTED_CALL}\n${FORBIDDEN_CALL}\n`,
    `${PERMITTED_CALL},${FORBIDDEN_CALL}`,
    `\x1e${PERMITTED_CALL}\n\x1e${FORBIDDEN_CALL}\n`,
    `${PERMITTED_CALL}\0${FORBIDDEN_CALL}`,
    `${PERMITTED_CALL}//${FORBIDDEN_CALL}`,
    `/*${FORBIDDEN_CALL}*/${PERMITTED_CALL}`,
    `)]}',\n${PERMITTED_CALL}`,
    `${PERMITTED_CALL}}`,
    `[${PERMITTED_CALL}`,
    PERMITTED_CALL.slice(0, -1),
    ''
  ]
  for (const body of invalid) {
    await refuses(t, scene, body, { token: scene.token, body }, { status: 400, code: -32600 })
  }
  for (const body of unreadable) {
    await refuses(t, scene, JSON.stringify(body), { token: scene.token, body }, { status: 400 })
  }
  t.ok([...invalid, ...unreadable].filter((body) => findMisled(Buffer.from(body), { method: 'tools/call', targets: ['list_todos'] }).length > 0).length >= 6, 'some readers would have taken the other message')
  await stillWorks(t, scene)
})

t.test('JSON that only tolerant readers read is refused', async (t) => {
  const scene = await startScene(t)
  const bodies = [
    '{"jsonrpc":"2.0","id":1,"method":"ping",}',
    "{'jsonrpc':'2.0','id':1,'method':'ping'}",
    '{jsonrpc:"2.0",id:1,method:"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":"ping"/**/}',
    '{"jsonrpc":"2.0","id":1 //\n,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,#\n"method":"ping"}',
    '{"jsonrpc":"2.0" "id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":01,"method":"ping"}',
    '{"jsonrpc":"2.0","id":+1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":.5,"method":"ping"}',
    '{"jsonrpc":"2.0","id":0x1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":NaN,"method":"ping"}',
    '{"jsonrpc":"2.0","id":Infinity,"method":"ping"}',
    '{"jsonrpc":"2.0","id":undefined,"method":"ping"}',
    '{"jsonrpc":"2.0","id":TRUE,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":"pi\nng"}',
    '{"jsonrpc":"2.0","id":1,"method":"pi\tng"}',
    '{"jsonrpc":"2.0","id":1,"method":"pi\0ng"}',
    '{"jsonrpc":"2.0","id":1,"method":"\\x70ing"}',
    '{"jsonrpc":"2.0","id":1,"method":"\\u{70}ing"}',
    '{"jsonrpc":"2.0","id":1,"method":"\\u070ing"}',
    '{"jsonrpc":"2.0","id":1,"method":"p\\\ning"}',
    '{"jsonrpc":"2.0","id":1,"method":"ping"}\x0b',
    '\x0c{"jsonrpc":"2.0","id":1,"method":"ping"}',
    '\u00a0{"jsonrpc":"2.0","id":1,"method":"ping"}',
    '\u2028{"jsonrpc":"2.0","id":1,"method":"ping"}'
  ]
  for (const body of bodies) {
    await refuses(t, scene, JSON.stringify(body), { token: scene.token, body }, { status: 400, code: -32700 })
  }
  await stillWorks(t, scene)
})
