import t from 'tap'
import { UNREACHABLE_SERVER } from '../helpers/configuration.js'
import { startConfigured } from '../helpers/gateway.js'
import { sendJson } from '../helpers/issuer.js'
import { send } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'

const PRM = '/.well-known/oauth-protected-resource'
const ASM = '/.well-known/oauth-authorization-server'

t.test('R2: root and path answer the same bytes, cacheable, for any origin', async (t) => {
  const { gateway: { origin, resource }, issuer } = await startScene(t)
  const root = await send(origin, { target: PRM, headers: { Origin: 'https://anywhere.example' } })
  const path = await send(origin, { target: `${PRM}/mcp` })
  t.equal(root.status, 200)
  t.equal(root.body, path.body)
  t.same(JSON.parse(root.body), { resource, authorization_servers: [issuer.issuer], bearer_methods_supported: ['header'], scopes_supported: ['todo:read', 'todo:write'] })
  t.equal(root.headers['access-control-allow-origin'], '*')
  t.equal(path.headers['access-control-allow-origin'], '*')
  t.equal(root.headers['access-control-allow-credentials'], undefined)
  t.match(root.headers['content-type'], /^application\/json/)
  t.match(root.headers['cache-control'], /^public, max-age=\d+$/)
  t.match(root.headers.etag, /^"[^"]+"$/)
  t.equal(root.headers['x-content-type-options'], 'nosniff')
  t.equal(root.headers.etag, path.headers.etag)
})

t.test('R2: a client that has the document is told so', async (t) => {
  const { url } = await startConfigured(t, { resource: 'http://127.0.0.1:1/mcp', ...UNREACHABLE_SERVER })
  const etag = (await send(url, { target: PRM })).headers.etag as string
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const response = await send(url, { target: `${PRM}/mcp`, headers: { 'If-None-Match': known } })
    t.equal(response.status, 304, known)
    t.equal(response.body, '')
    t.equal(response.headers.etag, etag)
    t.equal(response.headers['access-control-allow-origin'], '*')
  }
  for (const unknown of ['"other"', etag.slice(1, -1), '']) {
    t.equal((await send(url, { target: PRM, headers: { 'If-None-Match': unknown } })).status, 200, unknown)
  }
})

t.test('R2: HEAD has the headers of GET and no body', async (t) => {
  const { url } = await startConfigured(t, { resource: 'http://127.0.0.1:1/mcp', ...UNREACHABLE_SERVER })
  const get = await send(url, { target: PRM })
  const head = await send(url, { method: 'HEAD', target: PRM })
  t.equal(head.status, 200)
  t.equal(head.body, '')
  for (const name of ['content-length', 'content-type', 'etag', 'cache-control'] as const) t.equal(head.headers[name], get.headers[name], name)
  const health = await send(url, { target: '/health' })
  t.equal(health.body, '{"status":"healthy"}')
  t.match(health.headers['content-type'], /^application\/json/)
})

t.test('a browser may ask with headers of its own', async (t) => {
  const { url } = await startConfigured(t, { resource: 'http://127.0.0.1:1/mcp', ...UNREACHABLE_SERVER })
  const response = await send(url, {
    method: 'OPTIONS',
    target: PRM,
    headers: { Origin: 'https://anywhere.example', 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'mcp-protocol-version' }
  })
  t.equal(response.status, 204)
  t.equal(response.headers['access-control-allow-origin'], '*')
  t.equal(response.headers['access-control-allow-headers'], '*')
  t.match(response.headers['access-control-allow-methods'], /\bGET\b/)
})

t.test('R3: strings are published as configured', async (t) => {
  const resource = 'http://127.0.0.1:1'
  const { url } = await startConfigured(t, {
    ...UNREACHABLE_SERVER,
    resource,
    authorizationServers: [{ issuer: 'http://127.0.0.1:9/', advertise: 'http://127.0.0.1:9/resources/res_1' }],
    metadata: { resource_name: 'Todos <é>', resource_documentation: 'https://docs.example', 'x-more': { deep: [1, null] } },
    policy: { tools: { '*': true } }
  })
  t.same(JSON.parse((await send(url, { target: PRM })).body), {
    resource,
    authorization_servers: ['http://127.0.0.1:9/resources/res_1'],
    bearer_methods_supported: ['header'],
    resource_name: 'Todos <é>',
    resource_documentation: 'https://docs.example',
    'x-more': { deep: [1, null] }
  }, 'and no scopes_supported where no scope is known')

  for (const spelling of ['http://LocalHost:80/Mcp/', 'https://MCP.example:443', 'http://127.0.0.1:1/']) {
    const gateway = await startConfigured(t, { ...UNREACHABLE_SERVER, resource: spelling, policy: { tools: { '*': true } } })
    t.equal(JSON.parse((await send(gateway.url, { target: PRM })).body).resource, spelling)
  }
})

t.test('R3: offline_access and openid are never published', async (t) => {
  const { url } = await startConfigured(t, { ...UNREACHABLE_SERVER, resource: 'http://127.0.0.1:1/mcp', defaultScopes: ['openid', 'todo:read', 'offline_access'] })
  t.same((JSON.parse((await send(url, { target: PRM })).body) as { scopes_supported: string[] }).scopes_supported, ['todo:read'])
})

t.test('R6: neither Host nor X-Forwarded-* changes a public URL', async (t) => {
  const { gateway: { origin, resource } } = await startScene(t)
  const spoofed = { Host: '127.0.0.1:666', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https', Forwarded: 'host=evil.example;proto=https', 'X-Original-Host': 'evil.example' }
  const document = await send(origin, { target: PRM, headers: spoofed })
  t.equal((JSON.parse(document.body) as { resource: string }).resource, resource)
  const refused = await send(origin, { target: '/mcp', headers: spoofed })
  t.match(refused.headers['www-authenticate'], `resource_metadata="${origin}${PRM}/mcp"`)
  t.notMatch(JSON.stringify([document, refused]), /evil|127\.0\.0\.1:666(?!\d)/)
})

t.test('R2: each of several resources has its own document at the URL that its challenge names', async (t) => {
  const resources = ['http://127.0.0.1:1/', 'http://127.0.0.1:1/a', 'http://127.0.0.1:1/a/b/']
  const { url } = await startConfigured(
    t, { servers: resources.map((resource) => ({ resource, ...UNREACHABLE_SERVER })) }
  )
  for (const resource of resources) {
    const { headers } = await send(url, { target: new URL(resource).pathname })
    const [, metadata = ''] = /resource_metadata="([^"]+)"/.exec(headers['www-authenticate'] ?? '') ?? []
    t.equal(new URL(metadata).origin, new URL(resource).origin)
    const document = await send(url, { target: new URL(metadata).pathname })
    t.equal(document.status, 200, metadata)
    t.equal((JSON.parse(document.body) as { resource: string }).resource, resource)
  }
})

t.test('R4: the authorization server metadata is mirrored as it is', async (t) => {
  const { gateway: { origin }, issuer } = await startScene(t)
  issuer.metadata = { ...issuer.metadata, authorization_endpoint: `${issuer.origin}/authorize`, 'x-more': [1, { a: null }] }
  const root = await send(origin, { target: ASM })
  const path = await send(origin, { target: `${ASM}/mcp` })
  t.same(JSON.parse(root.body), issuer.metadata)
  t.equal(root.body, path.body)
  t.equal(root.headers['access-control-allow-origin'], '*')
  t.equal((await send(origin, { target: ASM, headers: { 'If-None-Match': root.headers.etag as string } })).status, 304)
  t.equal((await send(origin, { method: 'HEAD', target: ASM })).headers['content-length'], root.headers['content-length'])
  t.equal(issuer.count('/.well-known/oauth-authorization-server'), 1, 'and is cached')
})

t.test('R4: while the authorization server is down its last good metadata is served', async (t) => {
  const { gateway: { origin }, issuer } = await startScene(t)
  const good = await send(origin, { target: ASM })
  await issuer.stop()
  const later = await send(origin, { target: ASM })
  t.equal(later.status, 200)
  t.equal(later.body, good.body)
})

t.test('R4: 502 when there never was any, or it names another issuer', async (t) => {
  const { gateway: { origin }, issuer } = await startScene(t)
  issuer.routes.set('/.well-known/oauth-authorization-server', (_request, response) => sendJson(response, { ...issuer.metadata, issuer: 'https://evil.example' }))
  const { status, body, headers } = await send(origin, { target: ASM })
  t.equal(status, 502)
  t.match(JSON.parse(body), { error: 'authorization_server_metadata_unavailable' })
  t.notMatch(body, /evil|127\.0\.0\.1/)
  t.equal(headers['access-control-allow-origin'], '*')
  t.equal(headers['cache-control'], 'no-store')
})
