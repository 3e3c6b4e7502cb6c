import t from 'tap'
import { systemClock } from '../../src/clock.js'
import { connectLegacyClient, connectModernClient, connectV1Client, type ConnectOptions } from '../helpers/oauth-client.js'
import { startTodoStack, TODO_POLICY } from '../helpers/todo-stack.js'

const clients = {
  'the 2.x client on 2026-07-28': connectModernClient,
  'the 2.x client on a legacy revision': connectLegacyClient,
  'the 1.x client': connectV1Client
}

interface Exchange {
  readonly httpMethod: string
  readonly url: URL
  readonly status: number
  readonly challenge: string | null
}

/** Records what the client asks, of whomever, and what it is told. */
function recordExchanges (): { readonly exchanges: Exchange[], readonly fetch: NonNullable<ConnectOptions['fetch']> } {
  const exchanges: Exchange[] = []
  return {
    exchanges,
    async fetch (input, init) {
      const response = await fetch(input, init)
      exchanges.push({ httpMethod: init?.method ?? 'GET', url: new URL(input), status: response.status, challenge: response.headers.get('www-authenticate') })
      return response
    }
  }
}

for (const [name, connect] of Object.entries(clients)) {
  t.test(`P7: ${name} finds the authorization server, registers, logs in, calls, and steps up when a tool needs more`, async (t) => {
    const { gateway, authorizationServer } = await startTodoStack(t)
    const { exchanges, fetch } = recordExchanges()
    const { callTool, listTools, authorization } = await connect(t, gateway.resource, { fetch })

    t.equal(authorization.requests.length, 1, 'connecting took one login')
    t.equal(authorization.requests[0]?.searchParams.get('scope'), 'todo:read', 'for the scope of the challenge')
    t.equal(authorization.requests[0]?.searchParams.get('resource'), gateway.resource)

    const steps = exchanges.map(({ httpMethod, url, status }) => `${httpMethod} ${url.href} ${status}`)
    const chain = [
      `POST ${gateway.resource} 401`,
      `GET ${gateway.origin}/.well-known/oauth-protected-resource/mcp 200`,
      `GET ${authorizationServer.issuer}/.well-known/oauth-authorization-server 200`,
      `POST ${authorizationServer.issuer}/reg 201`,
      `POST ${authorizationServer.issuer}/token 200`,
      `POST ${gateway.resource} 200`
    ]
    t.same(steps.filter((step) => chain.includes(step)).slice(0, chain.length), chain, 'the whole chain, in its order')
    t.equal(exchanges[0]?.challenge, `Bearer resource_metadata="${gateway.origin}/.well-known/oauth-protected-resource/mcp", scope="todo:read"`)

    t.same((await callTool('list_todos')).structuredContent, { todos: [] })
    t.equal(authorization.requests.length, 1, 'a call within the scopes takes no login')

    const { structuredContent } = await callTool('create_todo', { title: 'step up' })
    t.match(structuredContent, { todo: { title: 'step up', completed: false } })
    t.equal(authorization.requests.length, 2, 'the first write took a step-up')
    t.ok(authorization.requests[1]?.searchParams.get('scope')?.split(' ').includes('todo:write'))
    t.equal(authorization.registrations.length, 1, 'by the client that was registered')
    t.match(exchanges.find(({ status }) => status === 403)?.challenge, /error="insufficient_scope", scope="todo:write todo:read"/)

    await callTool('create_todo', { title: 'again' })
    t.equal(authorization.requests.length, 2, 'the second write did not')
    t.match(await callTool('list_todos'), { structuredContent: { todos: [{ title: 'step up' }, { title: 'again' }] } }, 'and reading goes on')
    t.same((await listTools()).sort(), ['create_todo', 'delete_todo', 'get_todo', 'list_todos', 'update_todo'])
  })

  t.test(`${name} sees the tools that its scopes allow`, async (t) => {
    const { gateway } = await startTodoStack(t)
    const { listTools } = await connect(t, gateway.resource)
    t.same((await listTools()).sort(), ['get_todo', 'list_todos'])
  })

  t.test(`A9: ${name} asks for every published scope when the challenge names none`, async (t) => {
    const { gateway } = await startTodoStack(t, { config: { policy: TODO_POLICY } })
    const { callTool, authorization } = await connect(t, gateway.resource)
    t.match(await callTool('create_todo', { title: 'at once' }), { structuredContent: { todo: { title: 'at once' } } })
    t.equal(authorization.requests.length, 1, 'one login was enough')
  })
}

for (const connect of [connectModernClient, connectLegacyClient]) {
  t.test(`the 2.x client (${connect.name}) refreshes a token that has expired, without another login`, async (t) => {
    let aheadMs = 0
    const { gateway } = await startTodoStack(t, {
      clock: { ...systemClock, now: () => Date.now() + aheadMs }
    })
    const { exchanges, fetch: record } = recordExchanges()
    const { callTool, authorization } = await connect(t, gateway.resource, {
      refresh: true,
      async fetch (input, init) {
        // Legacy clients ask for a stream in the background, at a time of their own: here it is always too
        // early.
        if (init?.method === 'GET' && String(input) === gateway.resource) return new Response(null, { status: 405 })
        const response = await record(input, init)
        // The authorization server stays at the present: its next token must be good again.
        if (response.status === 401) aheadMs = 0
        return response
      }
    })
    await callTool('list_todos')
    const first = authorization.accessToken()
    const before = exchanges.length
    aheadMs = 2 * 3600 * 1000
    await callTool('list_todos')
    t.match(exchanges.slice(before).map(({ status }) => status), [401, 200, 200])
    t.match(exchanges[before]?.challenge, /^Bearer error="invalid_token"/)
    t.not(authorization.accessToken(), first)
    t.equal(authorization.requests.length, 1)
  })
}

t.test('clients that sign in as different subjects have different todos', async (t) => {
  const { gateway } = await startTodoStack(t)
  const ada = await connectModernClient(t, gateway.resource, { subject: 'ada@example.org' })
  const grace = await connectLegacyClient(t, gateway.resource, { subject: 'grace' })
  const zoe = await connectV1Client(t, gateway.resource, { subject: 'Zoë/%2F' })

  await ada.callTool('create_todo', { title: 'mine' })
  await zoe.callTool('create_todo', { title: 'hers' })
  t.match(await ada.callTool('list_todos'), { structuredContent: { todos: [{ title: 'mine' }] } })
  t.same((await grace.callTool('list_todos')).structuredContent, { todos: [] })
  t.match(await zoe.callTool('list_todos'), { structuredContent: { todos: [{ title: 'hers' }] } })

  const again = await connectModernClient(t, gateway.resource, { subject: 'Zoë/%2F' })
  t.match(await again.callTool('list_todos'), { structuredContent: { todos: [{ title: 'hers' }] } }, 'the same subject through another client')
})

t.test('a client cannot say who it is', async (t) => {
  const { gateway } = await startTodoStack(t)
  const ada = await connectModernClient(t, gateway.resource, { subject: 'ada' })
  await ada.callTool('create_todo', { title: 'mine' })
  const eve = await connectModernClient(t, gateway.resource, {
    subject: 'eve',
    fetch: (input, init) => {
      const headers = new Headers(init?.headers)
      headers.set('X-Postern-Subject', 'ada')
      return fetch(input, { ...init, headers })
    }
  })
  t.same((await eve.callTool('list_todos')).structuredContent, { todos: [] })
})
