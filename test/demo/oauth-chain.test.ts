import t, { type Test } from 'tap'
import { startAuthorizationServer } from '../../demo/authorization-server.js'
import { startTodoServer } from '../../demo/todo-server.js'
import { connectLegacyClient, connectModernClient, connectV1Client } from '../helpers/oauth-client.js'
import { startStandInGateway } from './stand-in-gateway.js'

/** Starts all three and returns the protected MCP endpoint. */
async function startProtectedTodos (t: Test): Promise<string> {
  const todos = await startTodoServer({ port: 0 })
  t.teardown(() => todos.close())
  const authorizationServer = await startAuthorizationServer({ port: 0, resources: [], autoLogin: true })
  t.teardown(() => authorizationServer.close())
  const gateway = await startStandInGateway({ issuer: authorizationServer.issuer, upstream: todos.url })
  t.teardown(() => gateway.close())
  authorizationServer.addResource({ resource: gateway.url, scopes: ['todo:read', 'todo:write'] })
  return gateway.url
}

const clients = {
  'the 2.x client on 2026-07-28': connectModernClient,
  'the 2.x client on a legacy revision': connectLegacyClient,
  'the 1.x client': connectV1Client
}

for (const [name, connect] of Object.entries(clients)) {
  t.test(`${name} registers, logs in, and steps up when a tool needs more`, async (t) => {
    const url = await startProtectedTodos(t)
    const { callTool, listTools, authorization } = await connect(t, url)

    t.equal(authorization.requests.length, 1, 'connecting took one login')
    t.equal(authorization.requests[0]?.searchParams.get('scope'), 'todo:read', 'for the scope of the challenge')
    t.equal(authorization.requests[0]?.searchParams.get('resource'), url)
    t.ok((await listTools()).includes('create_todo'))
    t.same((await callTool('list_todos')).structuredContent, { todos: [] })
    t.equal(authorization.requests.length, 1)

    const { structuredContent } = await callTool('create_todo', { title: 'step up' })
    t.match(structuredContent, { todo: { title: 'step up', completed: false } })
    t.equal(authorization.requests.length, 2, 'the first write took a step-up')
    t.ok(authorization.requests[1]?.searchParams.get('scope')?.split(' ').includes('todo:write'))
    t.equal(authorization.registrations.length, 1, 'by the client that was registered')

    await callTool('create_todo', { title: 'again' })
    t.equal(authorization.requests.length, 2, 'the second write did not')
  })
}

t.test('clients that sign in as different subjects have different todos', async (t) => {
  const url = await startProtectedTodos(t)
  const ada = await connectModernClient(t, url, { subject: 'ada@example.org' })
  const grace = await connectLegacyClient(t, url, { subject: 'grace' })

  await ada.callTool('create_todo', { title: 'mine' })
  t.match(await ada.callTool('list_todos'), { structuredContent: { todos: [{ title: 'mine' }] } })
  t.same((await grace.callTool('list_todos')).structuredContent, { todos: [] })
})
