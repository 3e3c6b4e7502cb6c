// Two protected servers at the same path, told apart by Host: a request that the gateway, a proxy in front or
// a cache takes for another server's. Fell for it: routing by a Host that others read differently ("Cracking
// the lens", 2017), by X-Forwarded-Host, or by the first of two Host headers (PortSwigger, "HTTP Host header
// attacks"). It fails here because Host is looked up among written-out values before any route, two of them
// name nobody, and each server has its own audience, policy and sessions (R7, A3).
import type { Test } from 'tap'
import t from 'tap'
import { startConfigured, toolCall } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { rawRequest, send, sendOne, sendRaw, type WireRequest, type WireResponses } from '../helpers/raw-http.js'
import { startUpstream, type TestUpstream } from '../helpers/upstream.js'
import { PERMITTED_CALL, receivedBy } from './assertions.js'

const A = 'https://a.example/mcp'
const B = 'https://b.example/mcp'
const PRM = '/.well-known/oauth-protected-resource'

interface Scene {
  readonly url: string
  readonly upstream: TestUpstream
  /** Tokens for each resource. */
  readonly tokens: { readonly a: string, readonly b: string }
  /** Sends a call to `/mcp`; Host, token and target as the test says. */
  call (request: WireRequest): Promise<WireResponses>
}

/** `a.example` may only list, `b.example` may do everything. */
async function startScene (t: Test, more: readonly object[] = []): Promise<Scene> {
  const issuer = await startIssuer(t)
  const upstream = await startUpstream(t)
  const { url } = await startConfigured(t, {
    authorizationServers: [issuer.issuer],
    servers: [
      { resource: A, upstream: `${upstream.origin}/a`, policy: { tools: { list_todos: true } } },
      { resource: B, upstream: `${upstream.origin}/b`, hosts: ['alias.example:8080'], policy: { tools: { '*': true } } },
      ...more
    ]
  })
  return {
    url,
    upstream,
    tokens: { a: await issuer.token({ aud: A }), b: await issuer.token({ aud: B }) },
    call: (request) => sendOne({ origin: url, resource: A }, { target: '/mcp', body: PERMITTED_CALL, ...request })
  }
}

t.test('R7: Host chooses the server, its metadata and its challenge', async (t) => {
  const { url, upstream, tokens, call } = await startScene(t)
  const hosts = { a: ['a.example', 'A.Example', 'a.example:443'], b: ['b.example', 'b.example:443', 'alias.example:8080'] }
  for (const name of ['a', 'b'] as const) {
    const resource = name === 'a' ? A : B
    for (const host of hosts[name]) {
      t.same((await call({ headers: [`Host: ${host}`], token: tokens[name] })).statuses, [200], host)
      t.equal(upstream.received.at(-1)?.url, `/${name}`)
      const refused = await call({ headers: [`Host: ${host}`] })
      t.same(refused.statuses, [401])
      t.match(refused.text, `resource_metadata="https://${name}.example${PRM}/mcp"`)
      for (const path of [PRM, `${PRM}/mcp`]) {
        const document = await send(url, { target: path, headers: [`Host: ${host}`] })
        t.match(document, { status: 200, headers: { 'cache-control': /public/ } })
        t.equal((JSON.parse(document.body) as { resource: string }).resource, resource)
      }
    }
  }
})

t.test('A3: a token for one host is refused at the other, and no header chooses a weaker check', async (t) => {
  const { upstream, tokens, call } = await startScene(t)
  const delete_ = JSON.stringify(toolCall('delete_todo'))
  const lies = ['X-Forwarded-Host: b.example', 'Forwarded: host=b.example', 'X-Host: b.example', 'X-Original-Host: b.example', 'X-HTTP-Host-Override: b.example', 'X-Forwarded-Server: b.example', 'X_Forwarded_Host: b.example', 'Via: 1.1 b.example', 'Origin: https://a.example']
  for (const more of [[], ...lies.map((lie) => [lie])]) {
    const shown = more.join()
    t.same((await call({ headers: ['Host: a.example', ...more], token: tokens.b })).statuses, [401], `a with b's token ${shown}`)
    t.same((await call({ headers: ['Host: a.example', ...more], token: tokens.a, body: delete_ })).statuses, [403], `a's policy ${shown}`)
  }
  t.same((await call({ headers: ['Host: b.example'], token: tokens.a, body: delete_ })).statuses, [401])
  t.same(receivedBy(upstream), [])
  t.same((await call({ headers: ['Host: b.example'], token: tokens.b, body: delete_ })).statuses, [200])
})

t.test('R7: a Host that belongs to no resource is refused, at every path but that of health', async (t) => {
  const { url, upstream, tokens, call } = await startScene(t)
  const { host: own } = new URL(url)
  const foreign = [
    'c.example', 'example', 'a.example.', 'a.example.:443', 'a.example:', 'a.example:80', 'a.example:0443', 'a.example:8080', 'alias.example', 'www.a.example', 'a.example.evil.example', 'xa.example', 'user@a.example', 'a.example@b.example', 'a.example,b.example', 'a.example b.example', 'a.example/', 'a.example#', 'a.example?', '*.example', '[a.example]', 'https://a.example', '%61.example', 'a%2eexample', 'a\u00adexample', '\u00e0.example', own, 'localhost', '127.0.0.1', ''
  ]
  for (const name of foreign) {
    const headers = [`Host: ${name}`]
    for (const token of [undefined, tokens.a, tokens.b]) {
      t.same((await call({ headers, token })).statuses, [421], JSON.stringify(name))
    }
    for (const target of [PRM, `${PRM}/mcp`, '/.well-known/oauth-authorization-server', '/', '/other', '/mcp/x', '/health/x']) {
      t.same((await call({ method: 'GET', body: '', headers, target })).statuses, [421], `${JSON.stringify(name)} ${target}`)
    }
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PUT']) {
      t.same((await call({ method, headers, body: '', token: tokens.a })).statuses, [421], method)
    }
    t.same((await call({ method: 'GET', body: '', headers, target: '/health' })).statuses, [200], 'health is for all')
  }
  const { text } = await call({ headers: ['Host: c.example'], token: tokens.a })
  t.match(text, '"error":"host_not_allowed"')
  t.notMatch(text, /a\.example|b\.example/, 'the refusal names no resource')
  t.same((await call({ version: 'HTTP/1.0', headers: ['Host: c.example'] })).statuses, [421])
  t.same(receivedBy(upstream), [])
})

t.test('R7: two Host headers name nobody', async (t) => {
  const { upstream, tokens, call } = await startScene(t)
  const pairs = [['Host: a.example', 'Host: b.example'], ['Host: b.example', 'Host: a.example'], ['Host: a.example', 'host: a.example'], ['Host: a.example', 'X-A: b', 'HOST: c.example'], ['Host: c.example', 'Host: a.example'], ['Host: a.example', 'Host:']]
  for (const headers of pairs) {
    for (const token of Object.values(tokens)) t.same((await call({ headers, token })).statuses, [400], headers.join(' | '))
    t.same((await call({ method: 'GET', body: '', headers, target: PRM })).statuses, [400])
  }
  t.same(receivedBy(upstream), [])
})

t.test('R7: a target in absolute form must name the Host', async (t) => {
  const { upstream, tokens, call } = await startScene(t)
  const at = async (target: string, host: string, token: string): Promise<readonly number[]> =>
    (await call({ target, headers: [`Host: ${host}`], token })).statuses
  t.same(await at('http://a.example/mcp', 'a.example', tokens.a), [200])
  t.same(await at('https://B.example/mcp', 'b.example', tokens.b), [200])
  upstream.received.length = 0
  for (const token of Object.values(tokens)) {
    for (const [target, host] of [['http://a.example/mcp', 'b.example'], ['http://b.example/mcp', 'a.example'], ['http://a.example:443/mcp', 'a.example'], ['http://a.example@b.example/mcp', 'a.example'], ['http://b.example/mcp', 'c.example'], ['//b.example/mcp', 'a.example'], ['http://a.example/mcp', 'c.example']] as const) {
      t.match(await at(target, host, token), [/^4/], `${target} at ${host}`)
    }
  }
  t.same(receivedBy(upstream), [])
})

t.test('R7: sessions and connections are of one server, also when a connection asks for both', async (t) => {
  const { upstream, tokens, call, url } = await startScene(t)
  upstream.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'inner' }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
  }
  const opened = await send(url, { method: 'POST', target: '/mcp', headers: ['Host: a.example', `Authorization: Bearer ${tokens.a}`, 'Content-Type: application/json'], body: PERMITTED_CALL })
  const session = `Mcp-Session-Id: ${opened.headers['mcp-session-id'] as string}`
  t.same((await call({ headers: ['Host: a.example', session], token: tokens.a })).statuses, [200])
  t.same((await call({ headers: ['Host: b.example', session], token: tokens.b })).statuses, [404])
  const gateway = { origin: url, resource: A }
  const request = (host: string, token: string): Buffer => rawRequest(gateway, { target: '/mcp', headers: [`Host: ${host}`], token, body: PERMITTED_CALL })
  const { statuses } = await sendRaw(gateway, [request('a.example', tokens.a), request('b.example', tokens.a), request('b.example', tokens.b), request('c.example', tokens.a)], 4)
  t.same(statuses, [200, 401, 200, 421])
})

t.test('a server beside them with a path of its own needs its Host as well', async (t) => {
  const issuer = await startIssuer(t)
  const { origin } = await startUpstream(t)
  const { call, url } = await startScene(t, [{ resource: 'https://a.example/other', upstream: `${origin}/other`, authorizationServers: [issuer.issuer], policy: { tools: { '*': true } } }])
  const token = await issuer.token({ aud: 'https://a.example/other' })
  t.same((await call({ target: '/other', headers: ['Host: a.example'], token })).statuses, [200])
  t.same((await call({ target: '/other', headers: ['Host: b.example'], token })).statuses, [404])
  t.same((await call({ target: '/other', headers: ['Host: c.example'], token })).statuses, [421])
  t.match(await send(url, { target: PRM, headers: ['Host: a.example'] }), { status: 404 }, 'a host of two has no document without a path')
  t.match(await send(url, { target: PRM, headers: ['Host: b.example'] }), { status: 200 })
})

t.test('R7: while paths tell resources apart, Host changes nothing', async (t) => {
  const issuer = await startIssuer(t)
  const { origin } = await startUpstream(t)
  const server = (resource: string): object => ({ resource, upstream: `${origin}/x`, policy: { tools: { '*': true } } })
  const { url } = await startConfigured(t, { authorizationServers: [issuer.issuer], servers: [server('https://a.example/a'), server('https://b.example/b')] })
  const token = await issuer.token({ aud: 'https://b.example/b' })
  for (const host of ['a.example', 'b.example', 'inside:3002', '127.0.0.1']) {
    const { statuses } = await sendOne({ origin: url, resource: A }, { target: '/b', headers: [`Host: ${host}`], token, body: PERMITTED_CALL })
    t.same(statuses, [200], host)
  }
})
