import t from 'tap'
import type { Config } from '../../src/options/gateway.js'
import { startServer } from '../../src/server.js'
import type { LogState } from '../../src/telemetry/log-destination.js'
import { openMetrics } from '../../src/telemetry/metrics.js'
import { createTestClock } from '../helpers/clock.js'
import { configFor } from '../helpers/configuration.js'
import { silentServices } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { startUpstream } from '../helpers/upstream.js'

t.test('the admin listener tells liveness, readiness and metrics apart', async (t) => {
  const clock = createTestClock()
  const issuer = await startIssuer(t)
  const upstream = await startUpstream(t)
  const config = configFor({
    resource: 'http://127.0.0.1:1/mcp',
    upstream: `${upstream.origin}/mcp`,
    authorizationServers: [issuer.issuer],
    policy: {},
    admin: { host: '127.0.0.1', port: 0 }
  })
  const logState = (): LogState => ({ state: 'ENOSPC', lost: 7 })
  const services = silentServices({ clock, logState, metrics: openMetrics({ logState, now: clock.now, version: '1.2.3', nodeVersion: 'v20' }) })
  const server = await startServer(config, services)
  t.after(() => server.stop())

  t.equal((await fetch(`${server.adminUrl}/livez`)).status, 200)
  const ready = await fetch(`${server.adminUrl}/readyz`)
  t.equal(ready.status, 200)
  t.match(await ready.json(), {
    status: 'ready',
    servers: [{ resource: 'http://127.0.0.1:1/mcp', ready: true, parts: [{ name: `keys of ${issuer.issuer}`, state: 'fresh' }, { state: 'reachable' }] }],
    parts: [{ name: 'log', ready: true, state: 'ENOSPC', lost: 7 }]
  })

  await (await fetch(`${server.url}/mcp`, { method: 'POST' })).text()
  const line = 'postern_requests_total{resource="http://127.0.0.1:1/mcp",method="none",outcome="missing_token",status="401"} 1'
  let metrics = ''
  // A request is counted when its connection has taken the response, a moment after the client has it.
  for (let attempt = 0; attempt < 100 && !metrics.includes(line); attempt++) {
    metrics = await (await fetch(`${server.adminUrl}/metrics`)).text()
  }
  t.match(metrics, line)
  t.match(metrics, /^postern_log_lines_lost_total 7$/m)
  t.equal((await fetch(`${server.url}/metrics`)).status, 404, 'clients do not reach it')

  await upstream.stop()
  clock.advance(1_000)
  const notReady = await fetch(`${server.adminUrl}/readyz`)
  t.equal(notReady.status, 503)
  t.match(await notReady.json(), { status: 'not ready', servers: [{ ready: false, parts: [{ ready: true }, { ready: false, state: 'ECONNREFUSED' }] }] })
})

t.test('readiness tells an outage of introspection, and does not wait for a server that hangs', async (t) => {
  const issuer = await startIssuer(t)
  const upstream = await startUpstream(t)
  let active = 0
  issuer.metadata = { issuer: issuer.issuer, introspection_endpoint: `${issuer.origin}/introspect` }
  issuer.routes.set('/introspect', (_request, response) => {
    active++
    response.end('{"active":false}')
  })
  const file = (secret: string): Config => configFor({
    resource: 'http://127.0.0.1:1/mcp',
    upstream: `${upstream.origin}/mcp`,
    authorizationServers: [{ issuer: issuer.issuer, introspection: { clientId: 'a', clientSecret: secret } }],
    policy: {},
    admin: { host: '127.0.0.1', port: 0 }
  })
  const read = async (config: Config): Promise<{ status: number, body: unknown }> => {
    const server = await startServer(config, silentServices())
    const response = await fetch(`${server.adminUrl}/readyz`)
    const body = await response.json()
    await server.stop()
    return { status: response.status, body }
  }
  const parts = (state: string): object => ({ servers: [{ parts: [{}, { name: `introspection at ${issuer.issuer}`, ready: state === 'working', state }] }] })
  t.match(await read(file('s')), { status: 200, body: parts('working') })
  t.equal(active, 1)
  issuer.routes.set('/introspect', (_request, response) => { response.writeHead(401).end() })
  t.match(await read(file('wrong')), { status: 503, body: parts('failing') })

  issuer.mode = 'hang'
  const started = performance.now()
  t.match(await read(file('s')), { status: 503, body: parts('unknown') })
  t.ok(performance.now() - started < 4_000, 'a probe is answered before the five seconds of a document are over')
})
