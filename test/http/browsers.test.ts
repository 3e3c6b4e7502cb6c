import t from 'tap'
import { UNREACHABLE_SERVER } from '../helpers/configuration.js'
import { startConfigured, toolCall } from '../helpers/gateway.js'
import { type RawResponse, send } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'

const APP = 'https://app.example'
const CALL = JSON.stringify(toolCall('list_todos'))
const EXPOSED = ['WWW-Authenticate', 'Mcp-Session-Id', 'MCP-Protocol-Version', 'Retry-After', 'DPoP-Nonce']

function preflight (origin: string, path = '/mcp', more: Record<string, string> = {}): Parameters<typeof send>[1] {
  return { method: 'OPTIONS', target: path, headers: { Origin: origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization, content-type', ...more } }
}

function list (response: RawResponse, name: string): string[] {
  return String(response.headers[name] ?? '').split(', ')
}

t.test('C1: an Origin is the resource\'s own, a configured one, or refused before anything else', async (t) => {
  const table: readonly [
    resource: string, origins: string[] | undefined, origin: string, allowed: boolean
  ][] = [
    ['https://mcp.example/mcp', undefined, 'https://mcp.example', true],
    ['https://mcp.example/mcp', undefined, 'https://mcp.example:443', false],
    ['https://mcp.example/mcp', undefined, 'http://mcp.example', false],
    ['https://mcp.example/mcp', undefined, 'https://mcp.example.evil', false],
    ['https://mcp.example/mcp', undefined, 'https://evil.mcp.example', false],
    ['https://mcp.example/mcp', undefined, 'https://mcp.example/', false],
    ['https://mcp.example/mcp', undefined, 'HTTPS://MCP.EXAMPLE', false],
    ['https://mcp.example/mcp', undefined, 'null', false],
    ['https://mcp.example/mcp', undefined, '', false],
    ['https://mcp.example/mcp', undefined, 'http://localhost', false],
    ['https://mcp.example:8443/mcp', undefined, 'https://mcp.example:8443', true],
    ['https://mcp.example:8443/mcp', undefined, 'https://mcp.example', false],
    ['https://mcp.example/mcp', [APP], APP, true],
    ['https://mcp.example/mcp', [APP], `${APP}, https://evil.example`, false],
    ['https://mcp.example/mcp', ['null'], 'null', true],
    ['https://mcp.example/mcp', ['*'], 'https://anywhere.example', true],
    ['https://mcp.example/mcp', ['*'], 'null', true],
    ['http://localhost:3002/mcp', undefined, 'http://localhost:3002', true],
    ['http://localhost:3002/mcp', undefined, 'http://127.0.0.1:3002', true],
    ['http://localhost:3002/mcp', undefined, 'http://[::1]:3002', true],
    ['http://127.0.0.1:3002/mcp', undefined, 'http://localhost:3002', true],
    ['http://[::1]:3002/mcp', undefined, 'http://localhost:3002', true],
    ['http://localhost:3002/mcp', undefined, 'http://localhost:3003', false],
    ['http://localhost:3002/mcp', undefined, 'http://localhost', false],
    ['http://localhost:3002/mcp', undefined, 'https://localhost:3002', false],
    ['http://localhost:3002/mcp', undefined, 'http://localhost.evil:3002', false],
    ['http://localhost:3002/mcp', undefined, 'http://app.localhost:3002', true],
    ['http://app.localhost:3002/mcp', undefined, 'http://app.localhost:3002', true],
    ['http://app.localhost:3002/mcp', undefined, 'http://127.0.0.1:3002', true],
    ['http://app.localhost:3002/mcp', undefined, 'http://app.localhost:3003', false],
    ['http://app.localhost:3002/mcp', undefined, 'http://app.localhost:3002/', false],
    ['http://app.localhost:3002/mcp', undefined, 'http://applocalhost:3002', false],
    ['http://app.localhost:3002/mcp', undefined, 'http://app.localhost.evil.example:3002', false]
  ]
  for (const [resource, origins, origin, allowed] of table) {
    const { url } = await startConfigured(
      t, { ...UNREACHABLE_SERVER, resource, ...(origins === undefined ? {} : { origins }) }
    )
    const host = { Host: new URL(resource).host }
    const name = `${origin} at ${resource} with ${String(origins)}`
    for (const method of ['GET', 'POST', 'DELETE', 'PUT']) {
      const response = await send(url, { method, target: '/mcp', headers: { ...host, Origin: origin } })
      t.equal(response.status, allowed ? 401 : 403, `${method} ${name}`)
      t.equal(response.headers['access-control-allow-origin'], allowed ? origin : undefined, name)
      if (allowed) t.match(response.headers.vary, /\bOrigin\b/i, name)
      else t.match(response, { headers: { 'cache-control': 'no-store', 'www-authenticate': undefined }, body: '"origin_not_allowed"' }, name)
    }
    const asked = await send(url, {
      ...preflight(origin), headers: { ...preflight(origin).headers as Record<string, string>, ...host }
    })
    t.equal(asked.status, allowed ? 204 : 403, `preflight ${name}`)
    t.equal(asked.headers['access-control-allow-methods'] !== undefined, allowed)
  }
})

t.test('C1: a foreign Origin is refused even with a valid token, which is not looked at', async (t) => {
  const { send, upstream, issuer } = await startScene(t)
  const response = await send({ method: 'POST', target: '/mcp', headers: { Origin: 'https://evil.example', 'Content-Type': 'application/json' }, body: CALL })
  t.equal(response.status, 403)
  t.equal(upstream.received.length, 0)
  t.equal(issuer.count('/jwks'), 0)
})

t.test('C1a: health and metadata are for any Origin and any Host', async (t) => {
  const { url } = await startConfigured(t, { ...UNREACHABLE_SERVER, resource: 'http://localhost:3002/mcp' })
  for (const path of ['/health', '/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']) {
    t.equal((await send(url, { target: path, headers: { Origin: 'https://evil.example', Host: 'evil.example' } })).status, 200, path)
  }
})

t.test('C1a: Host: on loopback only names of this machine and configured ones, elsewhere only when configured', async (t) => {
  const table: readonly [resource: string, hosts: string[] | undefined, host: string, served: boolean][] = [
    ['http://localhost:3002/mcp', undefined, 'localhost:3002', true],
    ['http://localhost:3002/mcp', undefined, 'localhost', true],
    ['http://localhost:3002/mcp', undefined, 'LOCALHOST:9', true],
    ['http://localhost:3002/mcp', undefined, '127.0.0.1:3002', true],
    ['http://localhost:3002/mcp', undefined, '127.1.2.3', true],
    ['http://localhost:3002/mcp', undefined, '[::1]:3002', true],
    ['http://localhost:3002/mcp', undefined, 'evil.example:3002', false],
    ['http://localhost:3002/mcp', undefined, 'localhost.evil.example', false],
    ['http://localhost:3002/mcp', undefined, '127.0.0.1.evil.example', false],
    ['http://localhost:3002/mcp', undefined, 'evil@localhost', false],
    ['http://localhost:3002/mcp', undefined, 'localhost:3002:80', false],
    ['http://localhost:3002/mcp', undefined, '', false],
    ['http://localhost:3002/mcp', undefined, 'app.localhost:3002', true],
    ['http://localhost:3002/mcp', undefined, 'localhost.:3002', false],
    ['http://localhost:3002/mcp', undefined, 'evil@app.localhost', false],
    ['http://localhost:3002/mcp', undefined, 'evillocalhost', false],
    ['http://app.localhost:3002/mcp', undefined, 'app.localhost:3002', true],
    ['http://app.localhost:3002/mcp', undefined, 'localhost:3002', true],
    ['http://app.localhost:3002/mcp', undefined, 'evil.example:3002', false],
    ['http://app.localhost:3002/mcp', undefined, 'app.localhost.evil.example', false],
    ['http://localhost:3002/mcp', ['gateway:3002'], 'gateway:3002', true],
    ['http://localhost:3002/mcp', ['gateway:3002'], 'Gateway:3002', true],
    ['http://localhost:3002/mcp', ['gateway:3002'], 'gateway', false],
    ['https://mcp.example/mcp', undefined, 'anything.example', true],
    ['https://mcp.example/mcp', ['alias.example'], 'alias.example', true],
    ['https://mcp.example/mcp', ['alias.example'], 'mcp.example', true],
    ['https://mcp.example/mcp', ['alias.example'], 'mcp.example:443', true],
    ['https://mcp.example/mcp', ['alias.example'], 'mcp.example:80', false],
    ['https://mcp.example:8443/mcp', ['alias.example'], 'mcp.example:443', false],
    ['https://mcp.example/mcp', ['alias.example'], 'anything.example', false],
    ['https://mcp.example/mcp', ['alias.example'], 'localhost', false]
  ]
  for (const [resource, hosts, host, served] of table) {
    const { url } = await startConfigured(
      t, { ...UNREACHABLE_SERVER, resource, ...(hosts === undefined ? {} : { hosts }) }
    )
    const response = await send(url, { target: '/mcp', headers: { Host: host } })
    t.equal(response.status, served ? 401 : 421, `${host} at ${resource}`)
    if (!served) t.match(JSON.parse(response.body), { error: 'host_not_allowed' })
  }
})

t.test('C2: a preflight is answered without credentials, by what it asks for', async (t) => {
  const { url } = await startConfigured(t, { ...UNREACHABLE_SERVER, resource: 'https://mcp.example/mcp', origins: [APP] })
  for (const path of ['/mcp', '/mcp/', '/mcp/below']) {
    const response = await send(url, preflight(APP, path, { 'Access-Control-Request-Headers': 'authorization,mcp-param-region, Mcp-Param-X_1,x-evil,mcp-param-,mcp-param-a b' }))
    t.equal(response.status, 204)
    t.equal(response.body, '')
    t.equal(response.headers['access-control-allow-origin'], APP)
    t.equal(response.headers['access-control-allow-credentials'], undefined)
    t.same(list(response, 'access-control-allow-methods'), ['GET', 'POST', 'DELETE', 'OPTIONS'])
    t.same(list(response, 'access-control-allow-headers'), [
      'Authorization', 'Content-Type', 'Accept', 'DPoP', 'Last-Event-ID', 'Mcp-Session-Id', 'MCP-Protocol-Version', 'Mcp-Method', 'Mcp-Name', 'traceparent', 'tracestate', 'baggage', 'mcp-param-region', 'Mcp-Param-X_1'
    ])
    t.match(response.headers['access-control-max-age'], /^\d+$/)
    t.match(response.headers.vary, /Origin/)
  }
})

t.test('C2: OPTIONS that is no preflight needs credentials', async (t) => {
  const { url } = await startConfigured(t, { ...UNREACHABLE_SERVER, resource: 'https://mcp.example/mcp', origins: [APP] })
  for (const headers of [{}, { Origin: APP }, { 'Access-Control-Request-Method': 'POST' }, { Origin: APP, 'Access-Control-Request-Headers': 'authorization' }]) {
    t.equal((await send(url, { method: 'OPTIONS', target: '/mcp', headers: headers as Record<string, string> })).status, 401, JSON.stringify(headers))
  }
})

t.test('C3: a page of an allowed origin can read every response', async (t) => {
  const {
    send: sendWithToken, gateway: { origin }, upstream, issuer
  } = await startScene(t, { config: { origins: [APP], limits: { bodyBytes: 1024 } } })
  const type = { 'Content-Type': 'application/json' }
  const post = { method: 'POST', target: '/mcp' }
  const withOrigin = { Origin: APP }
  const good = { ...post, headers: { ...withOrigin, ...type }, body: CALL }
  const responses: Readonly<Record<string, RawResponse>> = {
    200: await sendWithToken(good),
    401: await send(origin, good),
    '400 token in the query': await sendWithToken({ ...good, target: '/mcp?access_token=x' }),
    '400 path': await sendWithToken({ ...good, target: '/mcp/%2e%2e/' }),
    '400 syntax': await sendWithToken({ ...good, body: '{' }),
    '400 body not allowed': await sendWithToken({ ...good, method: 'DELETE' }),
    '403 policy': await sendWithToken({ ...good, body: JSON.stringify(toolCall('unlisted')) }),
    '404 session': await sendWithToken({ ...good, headers: { ...good.headers, 'Mcp-Session-Id': 'x' } }),
    405: await sendWithToken({ ...good, method: 'PUT' }),
    413: await sendWithToken({ ...good, body: JSON.stringify(toolCall('list_todos', { x: 'x'.repeat(2000) })) }),
    415: await sendWithToken({ ...good, headers: { ...withOrigin, 'Content-Type': 'text/plain' } }),
    421: await sendWithToken({ ...good, headers: { ...good.headers, Host: 'evil.example' } })
  }
  await upstream.stop()
  const failures = { 502: await sendWithToken(good), '502 GET': await sendWithToken({ target: '/mcp', headers: withOrigin }) }
  await issuer.stop()
  const other = await startScene(t, { config: { origins: [APP] } })
  await other.issuer.stop()
  for (const [name, response] of Object.entries({ ...responses, ...failures, 503: await other.send(good) })) {
    t.equal(response.status, Number(name.slice(0, 3)), name)
    t.equal(response.headers['access-control-allow-origin'], APP, name)
    t.equal(response.headers['access-control-allow-credentials'], undefined, name)
    t.match(response.headers.vary, /Origin/, name)
    for (const exposed of EXPOSED) t.ok(list(response, 'access-control-expose-headers').includes(exposed), `${name} ${exposed}`)
  }
})

t.test('the Vary of the upstream is kept beside our own', async (t) => {
  const { send } = await startScene(t, { answer: (_request, response) => { response.writeHead(200, { vary: 'Accept-Language' }).end() } })
  const response = await send({ target: '/mcp' })
  t.match(response.headers.vary, /Accept-Language/)
  t.match(response.headers.vary, /Origin/)
})
