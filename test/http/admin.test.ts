import t from 'tap'
import { startServer } from '../../src/server.js'
import type { LogState } from '../../src/telemetry/log-destination.js'
import { openMetrics } from '../../src/telemetry/metrics.js'
import { configFor } from '../helpers/configuration.js'
import { silentServices } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { startUpstream } from '../helpers/upstream.js'

t.test('the admin listener tells liveness, readiness and metrics apart', async (t) => {
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
  const server = await startServer(config, silentServices({ logState, metrics: openMetrics(logState) }))
  t.after(() => server.stop())

  t.equal((await fetch(`${server.adminUrl}/livez`)).status, 200)
  const ready = await fetch(`${server.adminUrl}/readyz`)
  t.equal(ready.status, 200)
  t.match(await ready.json(), { status: 'ready', parts: [{ name: `keys of ${issuer.issuer}`, state: 'fresh' }, { state: 'reachable' }, { name: 'log', ready: true, state: 'ENOSPC', lost: 7 }] })

  await (await fetch(`${server.url}/mcp`, { method: 'POST' })).text()
  const line = 'postern_requests_total{resource="http://127.0.0.1:1/mcp",outcome="missing_token",status="401"} 1'
  let metrics = ''
  // A request is counted when its connection has taken the answer, a moment after the client has it.
  for (let attempt = 0; attempt < 100 && !metrics.includes(line); attempt++) {
    metrics = await (await fetch(`${server.adminUrl}/metrics`)).text()
  }
  t.match(metrics, line)
  t.match(metrics, /^postern_log_lines_lost_total 7$/m)
  t.equal((await fetch(`${server.url}/metrics`)).status, 404, 'clients do not reach it')

  await upstream.stop()
  const notReady = await fetch(`${server.adminUrl}/readyz`)
  t.equal(notReady.status, 503)
  t.match(await notReady.json(), { status: 'not ready', parts: [{ ready: true }, { ready: false, state: 'ECONNREFUSED' }] })
})
