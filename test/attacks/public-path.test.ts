// A protected path that is made to look like a public one, so that the check is skipped.
// Fell for it: both reference set-ups (`'.well-known' in path`, `req.path.includes('.well-known')`, pitfalls
// 27), platformatic/mcp (prefixes exempted in the hook), oauth2-proxy (CVE-2026-40575, the path to exempt
// came from X-Forwarded-Uri), Next.js (CVE-2025-29927, a header skipped the middleware). It fails here
// because nothing is exempted: a public route answers by itself and never forwards, and every other route was
// registered behind the credentials (R5).
import t from 'tap'
import { sendOne } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { FORBIDDEN_CALL, receivedBy, stillWorks } from './assertions.js'

const DISGUISED = [
  '/mcp/.well-known', '/mcp/.well-known/', '/mcp/.well-known/oauth-protected-resource', '/mcp/.well-known/oauth-authorization-server', '/mcp/.well-known/openid-configuration', '/mcp/x/.well-known/y', '/mcp?/.well-known', '/mcp?x=.well-known', '/mcp?path=/health', '/mcp/health', '/mcp/../health', '/mcp/health/', '/mcp/%2ewell-known',
  '/mcp/favicon.ico', '/mcp/robots.txt', '/mcp/x.css', '/mcp/x.js?y.png', '/mcp/docs', '/mcp/openapi.json', '/mcp/metrics', '/mcp/livez'
]
const NEARLY_PUBLIC = [
  '/mcp;.well-known', '/mcp;/.well-known/x',
  '/.well-known', '/.well-known/', '/.well-known/x', '/.well-known/../mcp', '/.well-known/..%2fmcp', '/.well-known/%2e%2e/mcp', '/.well-known//mcp', '/.well-known/oauth-protected-resource/', '/.well-known/oauth-protected-resource/../mcp', '/.well-known/oauth-protected-resource/mcp/..', '/.well-known/oauth-protected-resource/mcp/x', '/.well-known/oauth-protected-resource;/mcp',
  '/.well-known/oauth-protected-resource%2fmcp', '/.WELL-KNOWN/oauth-protected-resource', '/x/.well-known/oauth-protected-resource', '/health/', '/health/..', '/health/../mcp', '/health/mcp', '/health;/mcp', '/health%2fmcp', '/health%00', '/HEALTH', '/health.json', '//health', '/metrics', '/livez', '/readyz', '/docs', '/favicon.ico'
]
const LIES = ['X-Forwarded-Uri: /health', 'X-Original-URL: /health', 'X-Rewrite-URL: /.well-known/x', 'X-Forwarded-Path: /health', 'X-Forwarded-Prefix: /.well-known', 'X-Forwarded-Method: OPTIONS', 'X-HTTP-Method-Override: OPTIONS', 'X-Middleware-Subrequest: middleware:middleware:middleware', 'X-Auth-Request-User: root', 'Referer: http://127.0.0.1/health', 'Accept-Version: 0']

t.test('a path under the resource needs credentials, whatever else it holds', async (t) => {
  const scene = await startScene(t)
  const { gateway, upstream } = scene
  for (const target of DISGUISED) {
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PUT']) {
      const { statuses } = await sendOne(gateway, { method, target, headers: LIES, ...(method === 'POST' ? { body: FORBIDDEN_CALL } : {}) })
      t.same(statuses, [401], `${method} ${target}`)
    }
  }
  t.same(receivedBy(upstream), [])
  await stillWorks(t, scene)
})

t.test('a path near a public one leads nowhere, with or without a token', async (t) => {
  const scene = await startScene(t)
  const { gateway, token, upstream } = scene
  for (const target of NEARLY_PUBLIC) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      for (const credentials of [undefined, token]) {
        const { statuses, text } = await sendOne(
          gateway, { method, target, token: credentials, headers: LIES }
        )
        t.match(statuses, [/^40[045]$/], `${method} ${target}: ${statuses}`)
        t.notMatch(text, /healthy|authorization_servers/)
      }
    }
  }
  t.same(receivedBy(upstream), [])
  await stillWorks(t, scene)
})

t.test('C2: a preflight is answered, and never forwarded; what only resembles one needs credentials', async (t) => {
  const scene = await startScene(t)
  const { gateway, upstream } = scene
  const origin = `Origin: ${gateway.origin}`
  const preflight = ['Access-Control-Request-Method: POST', 'Access-Control-Request-Headers: authorization']
  const status = async (headers: string[], method = 'OPTIONS', body = ''): Promise<number | undefined> =>
    (await sendOne(gateway, { method, headers, body })).statuses[0]
  t.equal(await status([origin, ...preflight]), 204)
  t.equal(await status([origin, ...preflight, 'Content-Type: application/json'], 'OPTIONS', FORBIDDEN_CALL), 204, 'a body is ignored')
  t.equal(await status([origin]), 401, 'no requested method')
  t.equal(await status(preflight), 401, 'no origin')
  t.equal(await status([]), 401)
  t.equal(await status(['Origin: http://evil.example', ...preflight]), 403)
  for (const method of ['GET', 'POST', 'DELETE', 'HEAD', 'PUT']) t.equal(await status([origin, ...preflight], method, method === 'POST' ? FORBIDDEN_CALL : ''), 401, `${method} with the headers of a preflight`)
  t.same(receivedBy(upstream), [])
})
