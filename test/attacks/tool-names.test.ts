// Names that are not the one that was ruled out but end up as it: letter case, white space, look-alikes,
// invisible characters, NUL; names of inherited properties; names of other types; names without end. Fell for
// it: set-up 2 (`name in TOOLS` is true for "constructor", pitfalls 32), gateways whose deny rules compare
// exactly while the upstream trims or folds (peers: exact maps and regular expressions over tool names). It
// fails here because what no rule names is denied (P4), rules are own entries of a map (P3), and a name that
// something behind us could take for another one matches exact rules only (P6).
import t from 'tap'
import { startScene } from '../helpers/scene.js'
import { permits, refuses, stillWorks } from './assertions.js'

const call = (name: unknown): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } })

t.test('P3: what no rule names is denied, also when it resembles what one names', async (t) => {
  const scene = await startScene(t, { config: { policy: { tools: { list_todos: true, delete_todo: 'admin' } } } })
  const names = [
    'constructor', '__proto__', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'isPrototypeOf', '', ' ', '*', '**', '*_todo*', '.*', '%', 'undefined', 'null', '0',
    'LIST_TODOS', 'List_Todos', 'list_todos ', ' list_todos', 'list_todos\t', 'list_todos\n', 'list_todos\r\n', 'list_todos\u0000', '\u0000list_todos', 'list_todos\u0000.x', 'list\u0000_todos', 'list_todos\u200b', 'list\u200d_todos', '\ufefflist_todos', 'list_todos\u00ad', 'list\u005f\u200etodos', 'list_t\u043edos', '\uff4cist_todos', 'l\u0131st_todos', 'list_todo\u017f', 'list-todos', 'list.todos', 'list/todos', 'list_todos/', '/list_todos', './list_todos', 'list_todos()', 'list_todos;delete_todo', 'list_todos,delete_todo', 'server:list_todos', 'todo/list_todos', 'todo__list_todos'
  ]
  for (const name of names) {
    await refuses(
      t, scene, JSON.stringify(name), { token: scene.token, body: call(name) }, { status: 403, code: 403 }
    )
  }
  await stillWorks(t, scene)
})

t.test('a pattern does not match a name that may end up as another one', async (t) => {
  const scene = await startScene(t, { config: { policy: { tools: { list_todos: true, drop_todo: false, '*_todo': true } } } })
  const names = ['\u0000_todo', 'drop\u0000_todo', 'drop_todo\u0000_todo', 'x\r\n_todo', 'x\u001b[2J_todo', 'x\u0085_todo', 'x\u007f_todo', `${'x'.repeat(9000)}_todo`, `${'_todo'.repeat(100_000)}`]
  for (const name of names) {
    await refuses(t, scene, JSON.stringify(name.slice(0, 30)), {
      token: scene.token, body: call(name)
    }, { status: 403, code: 403 })
  }
  const alike = [' drop_todo', '\tdrop_todo', '\u00a0drop_todo', '\u3000drop_todo', '\u200bdrop_todo', 'drop\u200b_todo', '\ufeffdrop_todo', 'dr\u00adop_todo', '\u202edrop_todo', 'd\u2060rop_todo']
  for (const name of alike) {
    await refuses(
      t, scene, JSON.stringify(name), { token: scene.token, body: call(name) }, { status: 403, code: 403 }
    )
  }
  await permits(t, scene, 'an ordinary name', { token: scene.token, body: call('add_todo') })
  await permits(t, scene, 'an ordinary name in another script', { token: scene.token, body: call('\u8ffd\u52a0_todo') })
})

t.test('a name that is no string, or not where it belongs, is refused', async (t) => {
  const scene = await startScene(t)
  for (const name of [null, true, 0, 1e300, ['list_todos'], { name: 'list_todos' }, [], {}]) await refuses(t, scene, JSON.stringify(name), { token: scene.token, body: call(name) }, { status: 400, code: -32602 })
  const message = (params: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call"${params}}`
  for (const params of ['', ',"params":null', ',"params":{}', ',"params":{"arguments":{"name":"list_todos"}}', ',"params":{"tool":"list_todos"}', ',"params":{"_meta":{"name":"list_todos"}}', ',"name":"list_todos"']) {
    await refuses(
      t, scene, params, { token: scene.token, body: message(params) }, { status: 400, code: -32602 }
    )
  }
  for (const params of [',"params":[]', ',"params":["list_todos"]', ',"params":[{"name":"list_todos"}]', ',"params":"list_todos"', ',"params":1']) {
    await refuses(
      t, scene, params, { token: scene.token, body: message(params) }, { status: 400, code: -32600 }
    )
  }
})

t.test('P3: rules for inherited names are rules like any other', async (t) => {
  const scene = await startScene(t, { config: { policy: { tools: JSON.parse('{"__proto__": true, "constructor": "admin", "list_todos": true}') } } })
  await permits(t, scene, '__proto__', { token: scene.token, body: call('__proto__') })
  await refuses(t, scene, 'constructor', { token: scene.token, body: call('constructor') }, { status: 403, code: 403 })
  await refuses(t, scene, 'toString', { token: scene.token, body: call('toString') }, { status: 403, code: 403 })
})

t.test('another version of a tool is not another tool (FastMCP #4401)', async (t) => {
  const scene = await startScene(t)
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'delete_todo', _meta: { fastmcp: { version: '1' }, name: 'list_todos' } } })
  await refuses(t, scene, 'with _meta.fastmcp.version', { token: scene.readToken, body }, { status: 403, code: 403 })
  await refuses(t, scene, 'as a task', { token: scene.readToken, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'delete_todo', task: { ttl: 1 }, taskId: 'list_todos' } }) }, { status: 403, code: 403 })
})
