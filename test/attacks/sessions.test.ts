// Somebody else's session: an id that was seen, guessed, altered, or named in another way than the header
// that is checked. Fell for it: agentgateway (#2397), IBM/mcp-context-forge (#2055, #4923), agentic-community
// (PR 1357), FastMCP's event store (#4402); set-up 2 cannot bind sessions at all (pitfalls 43). It fails here
// because the id holds a MAC over the upstream's id, the resource, the issuer and the subject (F10).
import t from 'tap'
import { startConfigured } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { sendOne } from '../helpers/raw-http.js'
import { type Scene, startScene } from '../helpers/scene.js'
import { startUpstream } from '../helpers/upstream.js'
import { permits, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'
import { bindSession } from '../../src/mcp/session.js'

const INNER = 'inner-session-1'

async function withSession (t: Parameters<typeof startScene>[0]): Promise<Scene & { session: string }> {
  const scene = await startScene(t)
  scene.upstream.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': INNER }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
  }
  const response = await scene.gateway.post(scene.token, { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} })
  return { ...scene, session: response.headers.get('mcp-session-id') ?? '' }
}

t.test('a session of another principal does not exist', async (t) => {
  const scene = await withSession(t)
  const { gateway, issuer, session, token } = scene
  const token2 = (
    claims: Record<string, unknown>
  ): Promise<string> => issuer.token({ aud: gateway.resource, ...claims })
  t.match(session, INNER)
  t.equal((await permits(t, scene, 'the owner', { token, headers: [`Mcp-Session-Id: ${session}`], body: PERMITTED_CALL })).headers['mcp-session-id'], INNER)
  t.equal((await permits(t, scene, 'the owner with a newer token', { token: await token2({ jti: '2', scope: 'todo:read' }), headers: [`Mcp-Session-Id: ${session}`], body: PERMITTED_CALL })).headers['mcp-session-id'], INNER)
  const others: Record<string, string> = {
    'another subject': await token2({ sub: 'bob' }),
    'a client that is called like the subject': await token2({ client_id: 'alice' }),
    'a client without sub that is called like the subject': await token2({ sub: undefined, client_id: 'alice' }),
    'a subject that swallows the client': await token2({ sub: 'aliceclient-1', client_id: undefined }),
    'a subject with a length in it': await token2({ sub: 'alice8:client-1', client_id: undefined })
  }
  for (const [name, other] of Object.entries(others)) {
    for (const method of ['POST', 'GET', 'DELETE']) {
      await refuses(t, scene, `${name}, ${method}`, { method, token: other, headers: [`Mcp-Session-Id: ${session}`], ...(method === 'POST' ? { body: PERMITTED_CALL } : {}) }, { status: 404 })
    }
  }
})

t.test('an id that was altered or made up does not exist', async (t) => {
  const scene = await withSession(t)
  const { gateway, session, token } = scene
  const owner = { issuer: scene.issuer.issuer, subject: 'alice', clientId: 'client-1' }
  const mac = session.slice(-22)
  const ids = [
    INNER, `${INNER}.`, `${INNER}.${'A'.repeat(22)}`, `.${mac}`, mac, session.slice(1), session.slice(0, -1), `${session}A`, `${session}.${mac}`, `${session}=`, session.toUpperCase(), `inner-session-2.${mac}`, `${INNER}2.${mac}`, `${INNER}.${mac.slice(0, -1)}${mac.endsWith('A') ? 'B' : 'A'}`,
    `${session}, ${session}`, `${session} ${session}`, `"${session}"`, `${session};x`, '', '.', '..', '*', 'null', 'undefined', '../x', '\u00ff'.repeat(23), 'x'.repeat(20_000),
    bindSession({ keys: ['x'.repeat(32)], resource: gateway.resource }, INNER, owner), bindSession({ keys: ['k'.repeat(31)], resource: gateway.resource }, INNER, owner), bindSession({ keys: [''], resource: gateway.resource }, INNER, owner)
  ]
  for (const id of ids) await refuses(t, scene, JSON.stringify(id.slice(0, 60)), { token, headers: [`Mcp-Session-Id: ${id}`], body: PERMITTED_CALL }, { status: 404 })
  await refuses(t, scene, 'two headers', { token, headers: [`Mcp-Session-Id: ${session}`, `Mcp-Session-Id: ${session}`], body: PERMITTED_CALL }, { status: 404 })
  for (const line of [`Mcp-Session-Id: ${session}\rX-A: b`, `Mcp-Session-Id: ${session}\nX-A: b`, `Mcp-Session-Id: ${session}\0`]) {
    t.same((
      await sendOne(gateway, { token, headers: [line], body: PERMITTED_CALL })
    ).statuses, [400], JSON.stringify(line.slice(-6)))
  }
  await stillWorks(t, scene)
})

t.test('F10: an id that one server of a gateway hands out is none at another', async (t) => {
  const issuer = await startIssuer(t)
  // Says that the session has the id that the caller asks for: with a MAC over that, the session elsewhere
  // would be the caller's.
  const accomplice = await startUpstream(t, (_request, response, body) => {
    const { params } = JSON.parse(body.toString()) as { params: { id: string } }
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': params.id }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
  })
  const upstream = await startUpstream(t)
  const at = (path: string): string => `http://127.0.0.1:1${path}`
  const servers = [{ resource: at('/a'), upstream: accomplice.origin }, { resource: at('/b'), upstream: upstream.origin }]
  const { url } = await startConfigured(t, { authorizationServers: [issuer.issuer], servers: servers.map((server) => ({ ...server, policy: { tools: { '*': true } } })) })
  const token = await issuer.token({ aud: [at('/a'), at('/b')] })
  const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url + path, { method: 'POST', body, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers } })
  const started = await post('/a', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { id: INNER } }))
  const session = started.headers.get('mcp-session-id') ?? ''
  t.ok(session.startsWith(`${INNER}.`), 'it is handed on')
  t.equal((await post('/a', PERMITTED_CALL.replace('"params":{', '"params":{"id":"x",'), { 'mcp-session-id': session })).status, 200, 'it is one where it was made')
  t.equal((await post('/b', PERMITTED_CALL, { 'mcp-session-id': session })).status, 404)
  t.same(upstream.received, [])
})

t.test('F10: an id in another spelling or place is not sent on as one', async (t) => {
  const scene = await withSession(t)
  const { token } = scene
  for (const headers of [[`Mcp_Session_Id: ${INNER}`], [`Mcp.Session.Id: ${INNER}`], [`Mcp-Session_Id: ${INNER}`, `Cookie: mcp-session-id=${INNER}`], [`X-Postern-Session: ${INNER}`]]) {
    const received = await permits(t, scene, headers.join(' | '), { token, headers, body: PERMITTED_CALL })
    t.notMatch(received.rawHeaders.join('\n'), INNER)
  }
})

t.test('modern traffic has no sessions, in either direction', async (t) => {
  const scene = await withSession(t)
  const { gateway, session, token } = scene
  const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_todos","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}'
  const headers = ['MCP-Protocol-Version: 2026-07-28', 'Mcp-Method: tools/call', 'Mcp-Name: list_todos']
  for (const id of [session, INNER]) {
    const received = await permits(t, scene, 'a modern call', { token, headers: [...headers, `Mcp-Session-Id: ${id}`], body })
    t.equal(received.headers['mcp-session-id'], undefined)
  }
  t.notMatch((await sendOne(gateway, { token, headers, body })).text, /mcp-session-id: /i)
})

t.test('an id that the upstream hands out is told to nobody without its MAC', async (t) => {
  const scene = await withSession(t)
  const bob = await scene.issuer.token({ aud: scene.gateway.resource, sub: 'bob' })
  const response = await scene.gateway.post(bob, { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} })
  const bobs = response.headers.get('mcp-session-id') ?? ''
  t.not(bobs, scene.session)
  t.not(bobs, INNER)
  await refuses(t, scene, 'bob\'s id of the same session, for alice', { token: scene.token, headers: [`Mcp-Session-Id: ${bobs}`], body: PERMITTED_CALL }, { status: 404 })
})
