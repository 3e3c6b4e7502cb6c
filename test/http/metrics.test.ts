import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { buildApp } from '../../src/http/app.js'
import { METRICS } from '../../src/telemetry/metric-table.js'
import { METRICS_MARKS, renderOperations } from '../../tools/metrics-reference.js'
import { createTestClock } from '../helpers/clock.js'
import { configFor, POLICY, UNREACHABLE_SERVER } from '../helpers/configuration.js'
import { post, silentServices, toolCall } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { startMetered } from '../helpers/metered-gateway.js'
import { openConnection } from '../helpers/raw-connection.js'
import { ROOT } from '../helpers/root.js'
import { startUpstream } from '../helpers/upstream.js'

const RESOURCE = 'https://mcp.example/mcp'
const OTHER = 'https://mcp.example/other'

t.test('docs/operations.md lists the metrics of the source', async (t) => {
  const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
  t.equal(page, renderOperations(page), 'run npm run generate, and commit what it writes')
  t.throws(() => renderOperations(page.replace(METRICS_MARKS[1], '')), /no place for a table/)
})

t.test('O8: requests are counted by method, decisions by rule, and the upstream\'s time apart', async (t) => {
  const clock = createTestClock()
  const issuer = await startIssuer(t, { now: clock.now })
  const upstream = await startUpstream(t)
  const file = { resource: RESOURCE, upstream: `${upstream.origin}/mcp`, authorizationServers: [issuer.issuer], policy: POLICY }
  const { server, read, untilCounted } = await startMetered(t, file, clock)
  const token = await issuer.token({ scope: 'todo:read' })
  const send = async (message: object, credentials: string | undefined = token): Promise<number> => {
    const response = await post(`${server.url}/mcp`, credentials, message)
    await response.arrayBuffer()
    return response.status
  }
  upstream.answer = (_request, response) => {
    clock.advance(200)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
  }
  t.equal(await send(toolCall('list_todos')), 200)
  t.equal(await send(toolCall('delete_todo')), 403)
  t.equal(await send(toolCall('unlisted')), 403)
  t.equal(await send({ jsonrpc: '2.0', id: 1, method: 'ping' }), 200)
  t.equal(await send({ jsonrpc: '2.0', id: 1, method: 'made/up' }), 403)
  t.equal((await post(`${server.url}/mcp`, undefined, {})).status, 401)
  await upstream.stop()
  t.equal(await send(toolCall('get_todo')), 502)

  const of = (labels: string): string => `postern_requests_total{resource="${RESOURCE}",${labels}}`
  await untilCounted(of('method="tools/call",outcome="upstream_unreachable",status="502"'), 1)
  const series = await read()
  const expected: Readonly<Record<string, number>> = {
    [of('method="tools/call",outcome="allow",status="200"')]: 1,
    [of('method="tools/call",outcome="insufficient_scope",status="403"')]: 1,
    [of('method="tools/call",outcome="access_denied",status="403"')]: 1,
    [of('method="ping",outcome="allow",status="200"')]: 1,
    [of('method="other",outcome="access_denied",status="403"')]: 1,
    [of('method="none",outcome="missing_token",status="401"')]: 1,
    [`postern_decisions_total{resource="${RESOURCE}",rule="tools.list_todos",decision="allow"}`]: 1,
    [`postern_decisions_total{resource="${RESOURCE}",rule="tools.*_todo",decision="insufficient_scope"}`]: 1,
    [`postern_decisions_total{resource="${RESOURCE}",rule="tools unlisted",decision="unlisted"}`]: 1,
    [`postern_upstream_failures_total{resource="${RESOURCE}",kind="unreachable"}`]: 1,
    [`postern_upstream_duration_seconds_count{resource="${RESOURCE}"}`]: 3,
    [`postern_upstream_duration_seconds_sum{resource="${RESOURCE}"}`]: 0.4,
    [`postern_preparation_duration_seconds_count{resource="${RESOURCE}"}`]: 3,
    [`postern_preparation_duration_seconds_sum{resource="${RESOURCE}"}`]: 0,
    [`postern_request_duration_seconds_count{resource="${RESOURCE}"}`]: 7,
    [`postern_key_age_seconds{issuer="${issuer.issuer}"}`]: 0.4,
    'postern_build_info{version="1.2.3",node="v20.0.0"}': 1,
    'postern_config_reloads_total{outcome="ok"}': 0,
    postern_config_last_reload_successful: 1
  }
  for (const [name, value] of Object.entries(expected)) t.equal(series.get(name), value, name)
  const names = [...series.keys()]
  for (const { name } of Object.values(METRICS)) t.ok(names.some((key) => key.startsWith(name)), name)
})

t.test('O8: open streams and connections are counted while they are open', async (t) => {
  const issuer = await startIssuer(t)
  const upstream = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  })
  const { server, read, untilCounted } = await startMetered(t, { resource: RESOURCE, upstream: `${upstream.origin}/mcp`, authorizationServers: [issuer.issuer], policy: POLICY })
  const idle = await openConnection(t, server.url)
  const abort = new AbortController()
  const token = await issuer.token()
  const stream = await fetch(`${server.url}/mcp`, { headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` }, signal: abort.signal })
  t.equal(stream.status, 200)
  await untilCounted('postern_client_connections', 2)
  t.equal((await read()).get('postern_open_streams'), 1)
  t.equal((await read()).get(`postern_upstream_duration_seconds_count{resource="${RESOURCE}"}`), undefined, 'a listening stream may begin at any time')
  abort.abort()
  idle.socket.destroy()
  await untilCounted('postern_open_streams', 0)
  await untilCounted('postern_client_connections', 0)
})

t.test('O8: a reload is counted, and forgets resources and rules that are gone', async (t) => {
  const clock = createTestClock()
  const issuer = await startIssuer(t, { now: clock.now })
  const upstream = await startUpstream(t)
  const file = (...resources: string[]): object => ({
    authorizationServers: [issuer.issuer],
    policy: POLICY,
    servers: resources.map((resource) => ({ resource, upstream: `${upstream.origin}/mcp` }))
  })
  const { server, metrics, read, untilCounted } = await startMetered(t, file(RESOURCE, OTHER), clock)
  for (const resource of [RESOURCE, OTHER]) {
    const token = await issuer.token({ aud: resource })
    await (await post(server.url + new URL(resource).pathname, token, toolCall('list_todos'))).arrayBuffer()
    await untilCounted(`postern_request_duration_seconds_count{resource="${resource}"}`, 1)
  }
  t.ok([...(await read()).keys()].some((key) => key.includes(OTHER)))
  const before = (await read()).get('postern_config_last_reload_success_timestamp_seconds')
  clock.advance(60_000)
  await server.reload(configFor(file(RESOURCE)))
  await metrics.recordReload?.([RESOURCE])
  const after = await read()
  t.equal(after.get('postern_config_reloads_total{outcome="ok"}'), 1)
  t.equal(after.get('postern_config_last_reload_success_timestamp_seconds'), (before ?? 0) + 60)
  t.strictSame([...after.keys()].filter((key) => key.includes(OTHER)), [])
  t.equal(after.get(`postern_request_duration_seconds_count{resource="${RESOURCE}"}`), 1, 'what is still served is kept')
  t.strictSame([...after.keys()].filter((key) => key.startsWith('postern_decisions_total{')), [])
  metrics.recordFailedReload?.()
  const failed = await read()
  t.equal(failed.get('postern_config_reloads_total{outcome="failed"}'), 1)
  t.equal(failed.get('postern_config_last_reload_successful'), 0)
})

t.test('without admin listener nothing is measured', async (t) => {
  const services = silentServices()
  t.notOk(services.metrics.record)
  t.notOk(services.metrics.recordUpstream, 'so that the upstream is not observed either')
  const app = await buildApp(configFor({ resource: RESOURCE, ...UNREACHABLE_SERVER }), services)
  await app.close()
})
