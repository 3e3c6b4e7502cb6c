import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js'
import {
  StreamableHTTPClientTransport as V1Transport
} from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import t, { type Test } from 'tap'
import { startTodoServer } from '../../demo/todo-server.js'
import { createTodoStore } from '../../demo/todos.js'
import type { ToolResult } from '../helpers/oauth-client.js'

interface Caller {
  listTools (): Promise<{ tools: { name: string, outputSchema?: unknown }[] }>
  callTool (request: { name: string, arguments: Record<string, unknown> }): Promise<ToolResult>
}

type Connect = (t: Test, url: string, subject?: string) => Promise<Caller>

const connectV2 = (mode: 'legacy' | { pin: string }): Connect => async (t, url, subject) => {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
  t.teardown(() => client.close())
  await client.connect(new StreamableHTTPClientTransport(new URL(url), subjectHeader(subject)))
  return client as Caller
}

const connectV1: Connect = async (t, url, subject) => {
  const client = new V1Client({ name: 'test', version: '1' })
  t.teardown(() => client.close())
  await client.connect(
    new V1Transport(new URL(url), subjectHeader(subject)) as Parameters<V1Client['connect']>[0]
  )
  return client as unknown as Caller
}

function subjectHeader (subject: string | undefined) {
  return subject === undefined ? {} : { requestInit: { headers: { 'x-postern-subject': subject } } }
}

async function startTodos (t: Test): Promise<string> {
  const server = await startTodoServer({ port: 0 })
  t.teardown(() => server.close())
  return server.url
}

const clients: Record<string, Connect> = {
  '2026-07-28': connectV2({ pin: '2026-07-28' }),
  'a legacy revision': connectV2('legacy'),
  'the 1.x SDK': connectV1
}

for (const [name, connect] of Object.entries(clients)) {
  t.test(`a client on ${name} can create, list, get, update and delete todos`, async (t) => {
    const client = await connect(t, await startTodos(t))
    const call = (name: string, args = {}) => client.callTool({ name, arguments: args })

    const { tools } = await client.listTools()
    t.same(tools.map((tool) => tool.name), [
      'create_todo', 'list_todos', 'get_todo', 'update_todo', 'delete_todo'
    ])
    t.match(tools[0]?.outputSchema, { type: 'object', additionalProperties: true })

    const created = await call('create_todo', { title: 'Buy milk' })
    const { todo } = created.structuredContent as { todo: { id: string } }
    t.match(todo.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    t.same(todo, { id: todo.id, title: 'Buy milk', description: null, completed: false })
    t.same(
      created.content,
      [{ type: 'text', text: JSON.stringify({ todo }) }],
      'the text is the same as compact JSON'
    )

    const updated = { ...todo, completed: true }
    t.same(
      (await call('update_todo', { todo_id: todo.id, completed: true, title: null })).structuredContent,
      { todo: updated }
    )
    t.same((await call('get_todo', { todo_id: todo.id })).structuredContent, { todo: updated })
    t.same((await call('list_todos', { completed: null })).structuredContent, { todos: [updated] })
    t.same((await call('list_todos', { completed: false })).structuredContent, { todos: [] })
    t.same((await call('delete_todo', { todo_id: todo.id })).structuredContent, { deleted: todo.id })
    t.same((await call('list_todos')).structuredContent, { todos: [] })
  })

  t.test(`an unknown id is an error result for a client on ${name}`, async (t) => {
    const client = await connect(t, await startTodos(t))
    for (const name of ['get_todo', 'update_todo', 'delete_todo']) {
      const result = await client.callTool({ name, arguments: { todo_id: '__proto__' } })
      t.equal(result.isError, true)
      t.same(result.structuredContent, { error: 'Todo `__proto__` not found.' })
    }
  })
}

t.test('one subject sees and changes nothing of another', async (t) => {
  const url = await startTodos(t)
  const connect = connectV2({ pin: '2026-07-28' })
  const [ada, zoe, nobody] = [
    await connect(t, url, 'ada%2Fx'), await connectV1(t, url, 'zo%C3%AB'), await connect(t, url)
  ]
  const { structuredContent } = await ada.callTool({ name: 'create_todo', arguments: { title: 'secret' } })
  const { todo } = structuredContent as { todo: { id: string } }

  for (const other of [zoe, nobody]) {
    t.same((await other.callTool({ name: 'list_todos', arguments: {} })).structuredContent, { todos: [] })
    for (const name of ['get_todo', 'update_todo', 'delete_todo']) {
      t.equal((await other.callTool({ name, arguments: { todo_id: todo.id } })).isError, true)
    }
  }
  t.match(await (await connect(t, url, 'ada/x')).callTool({ name: 'list_todos', arguments: {} }),
    { structuredContent: { todos: [{ title: 'secret' }] } }, 'the header is percent-decoded')
})

t.test('responses to simultaneous requests with the same id are not mixed up', async (t) => {
  const url = await startTodos(t)
  const connect = connectV2('legacy')
  const callers = await Promise.all(['ada', 'ben', 'cleo', 'dora'].map(async (subject) => ({
    subject, client: await connect(t, url, subject)
  })))
  // Every client counts its ids from the same number.
  const titles = await Promise.all(callers.map(async ({ subject, client }) => {
    const { structuredContent } = await client.callTool({
      name: 'create_todo', arguments: { title: subject }
    })
    return (structuredContent as { todo: { title: string } }).todo.title
  }))
  t.same(titles, ['ada', 'ben', 'cleo', 'dora'])
})

t.test('an unreadable subject header is refused', async (t) => {
  const url = await startTodos(t)
  for (const subject of ['', '%', '%ff']) {
    const status = await post(url, { 'x-postern-subject': subject })
    t.equal(status, 400, JSON.stringify(subject))
  }
})

t.test('a call needs neither a session nor an initialize before it', async (t) => {
  t.equal(await post(await startTodos(t), {}), 200)
})

t.test('a page that rebound its name to the loopback address is refused', async (t) => {
  const url = await startTodos(t)
  t.equal(await post(url, { host: 'evil.example' }), 403)
  t.equal(await post(url, { origin: 'http://evil.example' }), 403)
})

t.test('on another address the server answers only the listed hosts', async (t) => {
  const server = await startTodoServer({ host: '0.0.0.0', port: 0, hosts: ['todo-server'] })
  t.teardown(() => server.close())
  t.equal(await post(server.url, { host: 'todo-server:8080' }), 200)
  t.equal(await post(server.url, {}), 403)
})

t.test('health needs no particular host', async (t) => {
  const url = await startTodos(t)
  const response = await fetch(new URL('/health', url))
  t.same(await response.json(), { status: 'healthy' })
  t.equal((await fetch(new URL('/other', url))).status, 404)
})

t.test('a taken port is an error that names it', async (t) => {
  const blocker = createServer()
  await new Promise<void>((resolve) => { blocker.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { blocker.close() })
  const { port } = blocker.address() as AddressInfo
  await t.rejects(startTodoServer({ port }), {
    name: 'PortTaken', port, message: `port ${port} for the todo server is already in use`
  })
})

t.test('a full list takes no more, and the list that was not used for longest makes room', async (t) => {
  const store = createTodoStore({ maxLists: 2, maxTodos: 1 })
  t.ok(store.of('ada').create('one', null))
  t.equal(store.of('ada').create('two', null), undefined)

  store.of('ben').create('one', null)
  store.of('ada').all()
  store.of('cleo')
  t.equal(store.of('ada').all().length, 1, 'ada was used after ben')
  t.equal(store.of('ben').all().length, 0)
})

/** Posts a call of list_todos with fetch's forbidden headers allowed, and returns the status. */
function post (url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers
      }
    }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', reject)
    request.end(JSON.stringify({
      jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_todos' }
    }))
  })
}
