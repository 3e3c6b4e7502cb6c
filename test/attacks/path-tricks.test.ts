// Paths that the gateway and the upstream resolve to different places: dot segments, encoded separators,
// repeated slashes, path parameters, backslashes, other forms of request target. Fell for it: FastMCP's
// OpenAPIProvider (CVE-2026-32871), Tomcat behind proxies ("..;/", Orange Tsai 2018), Apache
// (CVE-2021-41773), Envoy (CVE-2021-29492, escaped slashes), Traefik (CVE-2025-32431). It fails here because
// credentials are checked wherever the router leads, and only a target that is literally under the resource
// and reads the same everywhere is mapped (F3, R5).
import t from 'tap'
import { sendOne } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { FORBIDDEN_CALL, PERMITTED_CALL, receivedBy, refuses, stillWorks } from './assertions.js'

const AMBIGUOUS = [
  '/mcp/..', '/mcp/../', '/mcp/../health', '/mcp/../admin', '/mcp/x/../../admin', '/mcp/./x', '/mcp/.', '/mcp/x/..', '/mcp/x/.', '/mcp/../mcp',
  '/mcp/..%2fhealth', '/mcp/..%2Fadmin', '/mcp/%2e%2e/health', '/mcp/%2e%2e%2fadmin', '/mcp/.%2e/admin', '/mcp/%2E./admin', '/mcp/%2e', '/mcp/%2e/x',
  '/mcp/..%5cadmin', '/mcp/..\\admin', '/mcp\\..\\admin', '/mcp/%5c..%5cadmin', '/mcp/x%2fy', '/mcp/%2f', '/mcp%2f', '/mcp%2fx', '/mcp%5cx',
  '/mcp/%252e%252e/admin', '/mcp/..%252fadmin', '/mcp/%25252e%25252e%25252fadmin', '/mcp/%25%32%65%25%32%65/admin',
  '/mcp/..;/admin', '/mcp/..;x=y/admin', '/mcp/.;/admin', '/mcp/x;/../admin', '/mcp;/../admin', '/mcp/..%3b/admin', '/mcp/..%3B/admin', '/mcp/..%23/admin', '/mcp/..%3f/admin', '/mcp/..%20/admin',
  '/mcp//', '/mcp//x', '/mcp/x//y', '/mcp//evil.example/', '/mcp///', '/mcp/x//../admin',
  '/mcp/%00', '/mcp/x%00.json', '/mcp/%0d%0aX-Injected:%20y', '/mcp/x%0a', '/mcp/%09', '/mcp/%1f', '/mcp/%7f',
  '/mcp/%c0%ae%c0%ae/admin', '/mcp/%e0%80%ae/admin', '/mcp/%c0%af', '/mcp/%ff', '/mcp/%', '/mcp/%2', '/mcp/%zz', '/mcp/%u002e%u002e/admin', '/mcp/%ed%a0%80',
  '/mcp#', '/mcp#/../health', '/mcp/x#y', '/mcp/#', '/mcp?x#y',
  '/mcp/<x>', '/mcp/{x}', '/mcp/x|y', '/mcp/x^y', '/mcp/`x`', '/mcp/"x"',
  '/%6dcp', '/%6d%63%70', '/mc%70', '/%6Dcp/x', '/mcp%3fx', '/mcp%23x'
]

/** Neither the resource nor under it. */
const ELSEWHERE = [
  '/', '//', '/mcp2', '/mcpx/../mcp', '/mcp.json', '/mcp;', '/mcp;x=y', '/mcp;/x', '/MCP', '/Mcp', '/mcp%20', '/mcp+', '/x/mcp', '/x/../mcp', '/./mcp', '//mcp', '///mcp', '/;/mcp', '/.//mcp', '/%2fmcp', '/%2e/mcp', '/..%2fmcp', '/health/../mcp', '/health/..%2fmcp',
  '/health;/../mcp', '//evil.example/mcp', '//127.0.0.1/mcp', '/\\mcp', '\\mcp', '/mcp\\', 'mcp', '*', '?', '/?/mcp', '.', '..', '/%6dcp%2f..', '/mcp%00', '/mcp%', '/mcp%zz'
]

t.test('F3: a target that could be resolved differently is not mapped, whatever the HTTP method', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { gateway, token, upstream } = scene
  for (const target of [...AMBIGUOUS, ...ELSEWHERE]) {
    for (const request of [{ method: 'POST', body: PERMITTED_CALL }, { method: 'GET' }, { method: 'DELETE' }, { method: 'HEAD' }]) {
      const { statuses } = await sendOne(gateway, { ...request, token, target })
      t.match(statuses, [/^40[04]$/], `${request.method} ${JSON.stringify(target)}: ${statuses}`)
    }
  }
  t.same(receivedBy(upstream), [])
  await stillWorks(t, scene)
})

t.test('without a token none of them is anything but a challenge or nothing', async (t) => {
  const { gateway, upstream } = await startScene(t, { upstreamPath: '/mcp' })
  for (const target of [...AMBIGUOUS, ...ELSEWHERE]) {
    const { statuses, text } = await sendOne(gateway, { target, body: FORBIDDEN_CALL })
    t.match(statuses, [/^40[014]$/], `${JSON.stringify(target)}: ${statuses}`)
    if (statuses[0] === 401) t.match(text, /www-authenticate: Bearer /i)
  }
  t.same(receivedBy(upstream), [])
})

t.test('F3: with a resource at the root nothing is elsewhere', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp', path: '/' })
  const { gateway, token, upstream } = scene
  for (const target of [...AMBIGUOUS.map((path) => path.replace('/mcp', '')), ...ELSEWHERE, '/health/', '/health/x', '/healthz', '/.well-known', '/.well-known/', '/.well-known/x', '/HEALTH']) {
    const { statuses } = await sendOne(gateway, { target, body: PERMITTED_CALL })
    t.match(statuses, [/^40[0145]$/], `without a token, ${JSON.stringify(target)}: ${statuses}`)
  }
  t.same(receivedBy(upstream), [])
  for (const target of AMBIGUOUS.filter((path) => path.startsWith('/mcp/')).map((path) => path.slice('/mcp'.length))) {
    await refuses(t, scene, target, { token, target, body: PERMITTED_CALL }, { status: 400 })
  }
  await refuses(t, scene, 'two slashes', { token, target: '//evil.example/mcp', body: PERMITTED_CALL }, { status: 400 })
})

t.test('the absolute form of a target names no other host and no other path', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { gateway, token, upstream } = scene
  const { host } = new URL(gateway.origin)
  for (const target of ['http://evil.example/mcp', 'https://evil.example/mcp', `${upstream.origin}/admin`, 'ftp://evil.example/mcp', 'file:///mcp', `http://${host}@evil.example/mcp`, 'http:///mcp', 'http:/mcp', 'http://evil.example//mcp', 'urn:mcp', 'evil.example:80/mcp']) {
    for (const method of ['POST', 'GET']) {
      const { statuses } = await sendOne(gateway, { method, token, target, ...(method === 'POST' ? { body: PERMITTED_CALL } : {}) })
      t.match(statuses, [/^40[04]$/], `${method} ${target}: ${statuses}`)
      const anonymous = await sendOne(gateway, { method, target })
      t.match(anonymous.statuses, [/^40[014]$/], `${method} ${target} without a token: ${anonymous.statuses}`)
    }
  }
  t.same(receivedBy(upstream), [])
})

t.test('what is mapped arrives under the upstream\'s endpoint exactly as it was written', async (t) => {
  const { gateway, token, upstream } = await startScene(t, { upstreamPath: '/mcp' })
  const targets = ['/mcp', '/mcp/', '/mcp?a=b', '/mcp?', '/mcp/x', '/mcp/x/y.json', '/mcp/.well-known/x', '/mcp/...', '/mcp/..x', '/mcp/x..', '/mcp/a;b=c', '/mcp/%20%C3%A9', '/mcp/100%25', '/mcp/x?a=/../b&c=%2e%2e%2f%00&a=2', '/mcp?%ff', "/mcp/!$&'()*+,;=:@-._~"]
  for (const request of [{ method: 'POST', body: PERMITTED_CALL }, { method: 'GET' }, { method: 'DELETE' }]) {
    upstream.received.length = 0
    // reply-from takes any name that begins with two dots for an attack.
    const mapped = targets.filter((target) => request.method === 'POST' || !target.includes('/..', 4) || target.includes('?'))
    for (const target of mapped) t.match((await sendOne(gateway, { ...request, token, target })).statuses, [/^20[02]$/], `${request.method} ${target}`)
    // A question mark without a query means the same, and reply-from leaves it out.
    t.same(upstream.received.map(({ url }) => url.replace(/\?$/, '')), mapped.map((target) => target.replace(/\?$/, '')))
    for (const target of targets) if (!mapped.includes(target)) t.same((await sendOne(gateway, { ...request, token, target })).statuses, [400], `${request.method} ${target}`)
  }
})
