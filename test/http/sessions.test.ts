import type { OutgoingHttpHeaders } from 'node:http'
import t, { type Test } from 'tap'
import { toolCall } from '../helpers/gateway.js'
import { type Scene, startScene } from '../helpers/scene.js'

const INITIALIZE = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } } }
const MODERN_CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_todos', arguments: {}, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } } }
const MODERN = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'list_todos' }

/** A gateway before an upstream that opens the session `inner.1`, and the id that the client gets for it. */
async function startSession (
  t: Test, config: Record<string, unknown> = {}
): Promise<Scene & { readonly session: string }> {
  const all = await startScene(t, {
    config,
    answer: (_request, response, body) => {
      const isInitialize = body.includes('"initialize"')
      const headers: OutgoingHttpHeaders = isInitialize ? { 'content-type': 'application/json', 'mcp-session-id': 'inner.1' } : { 'content-type': 'application/json' }
      response.writeHead(200, headers).end('{"jsonrpc":"2.0","id":1,"result":{}}')
    }
  })
  const response = await all.gateway.post(all.token, INITIALIZE)
  return { ...all, session: response.headers.get('mcp-session-id') ?? '' }
}

function lastSession ({ upstream }: Scene): unknown {
  return upstream.received.at(-1)?.headers['mcp-session-id']
}

t.test('F10: the session id that a client gets is bound to it, and the upstream sees its own', async (t) => {
  const all = await startSession(t)
  const { gateway, token, session, send } = all
  t.match(session, /^inner\.1\.[\w-]{22}$/)
  t.equal((await gateway.post(token, toolCall('list_todos'), { headers: { 'mcp-session-id': session } })).status, 200)
  t.equal(lastSession(all), 'inner.1')
  for (const method of ['GET', 'DELETE', 'HEAD']) {
    t.equal((await send({ method, target: '/mcp', headers: { 'Mcp-Session-Id': session } })).status, 200)
    t.equal(lastSession(all), 'inner.1', method)
  }
  const refreshed = await all.tokenWith({ jti: 'another', scope: 'todo:read', exp: Math.floor(Date.now() / 1000) + 60 })
  t.equal((await gateway.post(refreshed, toolCall('list_todos'), { headers: { 'mcp-session-id': session } })).status, 200, 'a refreshed token keeps it')
})

t.test('F10: a session of another principal does not exist', async (t) => {
  const { gateway, session, tokenWith, upstream } = await startSession(t)
  const before = upstream.received.length
  for (const claims of [{ sub: 'mallory' }, { client_id: 'alice' }]) {
    const token = await tokenWith(claims)
    const headers = { 'mcp-session-id': session, authorization: `Bearer ${token}` }
    const posted = await gateway.post(token, toolCall('list_todos'), { headers })
    t.equal(posted.status, 404)
    t.match(await posted.json(), { id: 1, error: { data: { error: 'session_not_found' } } })
    for (const method of ['GET', 'DELETE']) t.equal((await fetch(gateway.resource, { method, headers })).status, 404, method)
  }
  t.equal(upstream.received.length, before)
})

t.test('F10: a session outlives a new registration of the client', async (t) => {
  const all = await startSession(t)
  for (const claims of [{ client_id: 'client-2' }, { client_id: undefined }]) {
    const token = await all.tokenWith(claims)
    const { status } = await all.gateway.post(token, toolCall('list_todos'), {
      headers: { 'mcp-session-id': all.session }
    })
    t.equal(status, 200)
    t.equal(lastSession(all), 'inner.1')
  }
  const reader = await all.tokenWith({ client_id: 'client-2', scope: 'todo:read' })
  const { status } = await all.gateway.post(reader, toolCall('create_todo'), {
    headers: { 'mcp-session-id': all.session }
  })
  t.equal(status, 403, 'each token decides what the session may be used for')
})

t.test('F10: an id that is altered, unbound, doubled or empty does not exist', async (t) => {
  const { gateway, session, token, send, upstream } = await startSession(t)
  const before = upstream.received.length
  for (const id of ['inner.1', `${session}x`, session.slice(1), session.replace('inner.1', 'inner.2'), session.toUpperCase(), `${session}, ${session}`, '.', '']) {
    t.equal((await gateway.post(token, toolCall('list_todos'), { headers: { 'mcp-session-id': id } })).status, 404, JSON.stringify(id))
    t.equal((await send({ target: '/mcp', headers: { 'Mcp-Session-Id': id } })).status, 404)
  }
  t.equal((await send({ target: '/mcp', headers: [`Mcp-Session-Id: ${session}`, `Mcp-Session-Id: ${session}`] })).status, 404)
  t.equal(upstream.received.length, before)
})

t.test('a spelling with underscores is no way around', async (t) => {
  const all = await startSession(t)
  t.equal((await all.send({ target: '/mcp', headers: { Mcp_Session_Id: 'inner.1' } })).status, 200)
  t.notMatch(JSON.stringify(all.upstream.received.at(-1)?.rawHeaders), 'inner.1')
})

t.test('F10: modern traffic carries no session, in either direction', async (t) => {
  const all = await startScene(t, {
    answer: (_request, response) => { response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'inner.1' }).end('{"jsonrpc":"2.0","id":1,"result":{}}') }
  })
  const posted = await all.gateway.post(all.token, MODERN_CALL, { headers: { ...MODERN, 'mcp-session-id': 'anything' } })
  t.equal(posted.status, 200)
  t.equal(posted.headers.get('mcp-session-id'), null)
  t.equal(lastSession(all), undefined)
  const got = await all.send({ target: '/mcp', headers: { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Session-Id': 'anything' } })
  t.equal(got.status, 200)
  t.equal(got.headers['mcp-session-id'], undefined)
  t.equal(lastSession(all), undefined)
})

t.test('a version that is no date is legacy: the session must be the client\'s own', async (t) => {
  const { gateway, token } = await startSession(t)
  for (const version of ['2025-11-25', '2026-7-28', 'latest', '9999-99-99', '']) {
    t.equal((await gateway.post(token, toolCall('list_todos'), { headers: { 'mcp-protocol-version': version, 'mcp-session-id': 'inner.1' } })).status, 404, version)
  }
})

t.test('F10: replicas with the same key know each other\'s sessions, and a key can be rotated', async (t) => {
  const [old, next] = ['o'.repeat(32), 'n'.repeat(32)]
  const one = await startSession(t, { session: { key: old } })
  for (const [key, status] of [[old, 200], [[next, old], 200], [next, 404]] as const) {
    await one.gateway.reload({ session: { key } })
    t.equal((await one.gateway.post(one.token, toolCall('list_todos'), { headers: { 'mcp-session-id': one.session } })).status, status)
  }
})

t.test('without a configured key a reload keeps the sessions', async (t) => {
  const { gateway, token, session } = await startSession(t)
  await gateway.reload({ defaultScopes: ['todo:read'] })
  t.equal((await gateway.post(token, toolCall('list_todos'), { headers: { 'mcp-session-id': session } })).status, 200)
})
