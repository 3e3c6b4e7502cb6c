// Fixed bypasses of FastMCP and the MCP SDKs that no other file here is about. Those that concern an
// authorization server or an OAuth proxy do not apply: the gateway is neither (GHSA-c2jp-c369-7pvx,
// GHSA-rww4-4w9c-7733, GHSA-6x8h-498w-gv8c, #3098). In other files: CVE-2025-69196, #3204, #3786, #3787,
// #4827 (key-confusion), CVE-2026-32871, #4400, #4426 (redirects, resource-uri), #4401 (tool-names), #4405
// (host-header), #4843 and the forwarded Authorization of 3.0.0 (identity-spoofing), CVE-2026-27896
// (duplicate-members).
import t from 'tap'
import { sendJson } from '../helpers/issuer.js'
import { createSigningKey } from '../helpers/keys.js'
import { sendOne } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL, refuses } from './assertions.js'

t.test('a response to one principal is never given to another (FastMCP #4041)', async (t) => {
  const scene = await startScene(t)
  const { gateway, issuer, upstream } = scene
  upstream.answer = (request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'public, max-age=1000', etag: '"1"' }).end(`{"jsonrpc":"2.0","id":1,"result":{"for":"${request.headers['x-postern-subject']}"}}`)
  }
  for (let round = 0; round < 2; round++) {
    for (const sub of ['alice', 'bob']) {
      const token = await issuer.token({ aud: gateway.resource, sub })
      for (const request of [{ body: PERMITTED_CALL }, { method: 'GET' }]) {
        const { text } = await sendOne(gateway, { ...request, token })
        t.match(text, `"for":"${sub}"`)
      }
    }
  }
  t.equal(upstream.received.length, 8)
})

t.test('requests with the same id are answered each to its sender (CVE-2026-25536)', async (t) => {
  const { gateway, issuer, upstream } = await startScene(t)
  const waiting: Array<() => void> = []
  upstream.answer = (request, response) => {
    waiting.push(() => { response.writeHead(200, { 'content-type': 'application/json' }).end(`{"jsonrpc":"2.0","id":1,"result":{"for":"${request.headers['x-postern-subject']}"}}`) })
    if (waiting.length === 20) for (const answer of waiting.reverse()) answer()
  }
  const responses = await Promise.all(Array.from({ length: 20 }, async (_, index) => {
    const response = await gateway.post(await issuer.token({ aud: gateway.resource, sub: `user-${index}` }), PERMITTED_CALL)
    return (await response.json() as { result: { for: string } }).result.for
  }))
  t.same(responses, Array.from({ length: 20 }, (_, index) => `user-${index}`))
})

t.test('another principal\'s stream is not resumed (FastMCP #4402)', async (t) => {
  const scene = await startScene(t)
  const { gateway, issuer, token, upstream } = scene
  upstream.answer = (_request, response) => { response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'inner' }).end('{"jsonrpc":"2.0","id":1,"result":{}}') }
  const session = (await gateway.post(token, { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} })).headers.get('mcp-session-id')
  const bob = await issuer.token({ aud: gateway.resource, sub: 'bob' })
  await refuses(t, scene, 'bob, with alice\'s session and event', { method: 'GET', token: bob, headers: [`Mcp-Session-Id: ${session}`, 'Last-Event-ID: inner_1'] }, { status: 404 })
  const received = await permits(t, scene, 'alice', { method: 'GET', token, headers: [`Mcp-Session-Id: ${session}`, 'Last-Event-ID: inner_1'] })
  t.equal(received.headers['last-event-id'], 'inner_1')
})

t.test('one key that cannot be used costs no other key (FastMCP 3.4.5)', async (t) => {
  const scene = await startScene(t)
  const { issuer } = scene
  const ed25519 = await createSigningKey('EdDSA', 'ed')
  issuer.keys = [null, 'x', {}, { kty: 'OKP', crv: 'Ed448', x: 'AA', kid: 'ed448' }, { kty: 'RSA', n: 'AA', e: 'AQAB', kid: 'tiny' }, { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: issuer.key.kid }, { ...issuer.key.jwk, kid: 42 }, ed25519.jwk, issuer.key.jwk]
  await permits(t, scene, 'the good key behind them', { token: scene.token, body: PERMITTED_CALL })
  const now = Math.floor(Date.now() / 1000)
  await permits(t, scene, 'the Ed25519 key among them', { token: await ed25519.sign({ iss: issuer.issuer, aud: scene.gateway.resource, sub: 'alice', scope: 'todo:read', exp: now + 60 }), body: PERMITTED_CALL })
})

t.test('an authorization server that is down or lies lets nobody in, and costs nobody the token (pitfalls 9)', async (t) => {
  const scene = await startScene(t)
  const { gateway, issuer, token, upstream } = scene
  const status = async (): Promise<number | undefined> => (
    await sendOne(gateway, { token, body: PERMITTED_CALL })
  ).statuses[0]
  const metadata = '/.well-known/oauth-authorization-server'
  const lies: Record<string, unknown> = {
    'another issuer': { ...issuer.metadata, issuer: 'https://evil.example' },
    'no issuer': { jwks_uri: issuer.metadata['jwks_uri'] },
    'keys at a plain http address elsewhere': { ...issuer.metadata, jwks_uri: 'http://169.254.169.254/keys' },
    'keys in a file': { ...issuer.metadata, jwks_uri: 'file:///etc/passwd' },
    'no keys': { issuer: issuer.issuer }
  }
  issuer.mode = 'fail'
  t.equal(await status(), 503, 'down')
  issuer.mode = 'serve'
  for (const [name, document] of Object.entries(lies)) {
    const fresh = await startScene(t)
    fresh.issuer.routes.set(metadata, (_request, response) => sendJson(
      response, JSON.parse(JSON.stringify(document).replaceAll(issuer.issuer, fresh.issuer.issuer))
    ))
    const { statuses, text } = await sendOne(fresh.gateway, { token: fresh.token, body: PERMITTED_CALL })
    t.same(statuses, [503], name)
    t.match(text, /\r\nretry-after: \d+\r\n/i)
    t.equal(fresh.upstream.received.length, 0)
  }
  t.equal(upstream.received.length, 0)
})
