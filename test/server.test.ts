import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import type { Config } from '../src/options/gateway.js'
import { startServer } from '../src/server.js'
import { createTestClock } from './helpers/clock.js'
import { configFor, UNREACHABLE_SERVER } from './helpers/configuration.js'
import { defer } from './helpers/deferred.js'
import { silentServices, startConfigured, toolCall } from './helpers/gateway.js'
import { openConnection } from './helpers/raw-connection.js'
import { send } from './helpers/raw-http.js'
import { type Scene, startScene } from './helpers/scene.js'
import { until } from './helpers/until.js'

const CALL = JSON.stringify(toolCall('list_todos'))
const ENDLESS = { config: { limits: { drainMs: 5000 } } }

/** A gateway whose upstream holds its responses back; each arrives at `next`. */
async function startHolding (
  t: Test, options: Parameters<typeof startScene>[1] = {}
): Promise<Scene & { next (): Promise<ServerResponse> }> {
  const held: ServerResponse[] = []
  const waiting: ((response: ServerResponse) => void)[] = []
  const all = await startScene(t, {
    ...options,
    answer: (_request, response) => {
      const take = waiting.shift()
      if (take === undefined) held.push(response)
      else take(response)
    }
  })
  return {
    ...all,
    next: () => new Promise((resolve) => {
      const response = held.shift()
      if (response === undefined) waiting.push(resolve)
      else resolve(response)
    })
  }
}

function requestText (method: 'GET' | 'POST', token: string): string {
  const body = method === 'POST' ? `Content-Type: application/json\r\nContent-Length: ${CALL.length}\r\n\r\n${CALL}` : '\r\n'
  return `${method} /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n${body}`
}

/** Sooner than undici closes a connection because it is idle. */
const SOON = { withinMs: 2_000 }

function isRefused (origin: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}

t.test('a reload takes over whole, and what is under way finishes under the old configuration', async (t) => {
  const { gateway, token, next, upstream } = await startHolding(t, { config: { upstreamHeaders: { 'x-generation': 'old' } } })
  const first = gateway.post(token, CALL)
  const firstAnswer = await next()
  const stream = await openConnection(t, gateway.origin)
  stream.write(requestText('GET', token))
  const streamAnswer = await next()
  streamAnswer.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n')
  await stream.until('data: one')

  await gateway.reload({ upstreamHeaders: { 'x-generation': 'new' }, policy: { tools: { get_todo: true } } })
  t.equal((await gateway.post(token, CALL)).status, 403, 'the new policy')
  const second = gateway.post(token, toolCall('get_todo'))
  const secondAnswer = await next()
  t.same(upstream.received.map(({ headers }) => headers['x-generation']), ['old', 'old', 'new'])

  streamAnswer.write('data: two\n\n')
  await stream.until('data: two')
  firstAnswer.writeHead(200, { 'content-type': 'application/json' }).end('{"first":1}')
  t.same(await (await first).json(), { first: 1 })
  secondAnswer.writeHead(200, { 'content-type': 'application/json' }).end('{"second":2}')
  t.same(await (await second).json(), { second: 2 })
  streamAnswer.end()
  await stream.until('\r\n0\r\n\r\n')
})

t.test('a configuration that cannot be built changes nothing', async (t) => {
  const config = configFor({ resource: 'http://127.0.0.1:1/mcp', ...UNREACHABLE_SERVER })
  const server = await startServer(config, silentServices())
  t.after(() => server.stop())
  const [only] = config.servers
  if (only === undefined) throw new Error('there is a server')
  const broken: Config = { ...config, servers: [{ ...only, resource: 'http://127.0.0.1:1/other', policy: { ...only.policy, tools: { 'a*': 'x', '*a': 'y' } } }] }
  await t.rejects(server.reload(broken))
  t.equal((await send(server.url, { target: '/mcp' })).status, 401)
  t.equal((await send(server.url, { target: '/other' })).status, 404)
})

t.test('a configuration that is not used any more lets go of its upstream, as soon as its last request is over', async (t) => {
  const { gateway, token, next, upstream } = await startHolding(t)
  const pending = gateway.post(token, CALL)
  const upstreamResponse = await next()
  for (let i = 0; i < 5; i++) {
    const call = gateway.post(token, CALL)
    const held = await next()
    held.writeHead(200).end()
    t.equal((await call).status, 200)
    await gateway.reload({ defaultScopes: [`scope-${i}`] })
  }
  await until(() => upstream.connections() <= 2, 'two connections are left', SOON)
  t.equal(upstream.connections(), 2, 'the configuration with the request under way has two')
  upstreamResponse.writeHead(200).end('late')
  t.equal(await (await pending).text(), 'late')
  await until(() => upstream.connections() === 0, 'no connection is left', SOON)
  t.equal((await gateway.logged(({ event }) => event === 'request'))['decision'], 'allow')
  t.notOk(gateway.log.some(({ event }) => event === 'failure'))
})

t.test('stop: no new connection, and what is in flight finishes', async (t) => {
  const { gateway, token, next, upstream } = await startHolding(t, ENDLESS)
  const call = gateway.post(token, CALL)
  const upstreamResponse = await next()
  const stopped = gateway.stop()
  await until(() => isRefused(gateway.origin), 'a new connection is refused')
  upstreamResponse.writeHead(200, { 'content-type': 'application/json' }).end('{"late":1}')
  const response = await call
  t.equal(response.headers.get('connection'), 'close')
  t.same(await response.json(), { late: 1 })
  await stopped
  await until(() => upstream.connections() === 0, 'no connection is left', SOON)
})

t.test('stop: idle and half-used connections do not hold it up', async (t) => {
  const { gateway, token, next } = await startHolding(t, ENDLESS)
  const unused = await openConnection(t, gateway.origin)
  const idle = await openConnection(t, gateway.origin)
  idle.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await idle.until('healthy')
  const partial = await openConnection(t, gateway.origin)
  partial.write(requestText('POST', token).slice(0, 60))
  const busy = await openConnection(t, gateway.origin)
  busy.write(requestText('POST', token))
  const upstreamResponse = await next()

  const stopped = gateway.stop()
  await Promise.all([unused.closed, idle.closed])
  partial.write(requestText('POST', token).slice(60))
  const partialAnswer = await next()
  partialAnswer.writeHead(200).end('partial')
  t.match((await partial.until('partial')).toLowerCase(), 'connection: close', 'a request that had begun is answered')
  await partial.closed
  upstreamResponse.writeHead(200).end('busy')
  await busy.closed
  t.match(busy.received(), 'busy')
  await stopped
})

t.test('stop: streams end, cleanly, at the drain deadline', async (t) => {
  const clock = createTestClock()
  const { gateway, token, next, upstream } = await startHolding(t, { ...ENDLESS, clock })
  const clients = await Promise.all((['GET', 'POST'] as const).map(async (method) => {
    const client = await openConnection(t, gateway.origin)
    client.write(requestText(method, token))
    const upstreamResponse = await next()
    upstreamResponse.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n')
    await client.until('data: one')
    return { client, upstreamResponse }
  }))
  let isStopped = false
  const stopped = gateway.stop().then(() => { isStopped = true })
  clock.advance(4999)
  for (const { client, upstreamResponse } of clients) {
    upstreamResponse.write('data: two\n\n')
    t.notMatch(await client.until('data: two'), '\r\n0\r\n\r\n', 'until then they go on')
  }
  t.notOk(isStopped)
  clock.advance(1)
  for (const { client } of clients) await client.until('\r\n0\r\n\r\n')
  await stopped
  await until(() => upstream.connections() === 0, 'no connection is left', SOON)
})

t.test('stop: a response that does not come is broken off after the drain deadline', async (t) => {
  const clock = createTestClock()
  const { gateway, token, next } = await startHolding(t, { ...ENDLESS, clock })
  const client = await openConnection(t, gateway.origin)
  client.write(requestText('POST', token))
  const upstreamResponse = await next()
  const left = defer()
  upstreamResponse.once('close', () => left.resolve())
  const stopped = gateway.stop()
  clock.advance(5000)
  await stopped
  await client.closed
  await left.promise
  t.equal(client.received(), '')
})

t.test('stop: requests under an older configuration finish, too', async (t) => {
  const { gateway, token, next } = await startHolding(t, ENDLESS)
  const call = gateway.post(token, CALL)
  const upstreamResponse = await next()
  await gateway.reload({ defaultScopes: ['other'], ...ENDLESS.config })
  const stopped = gateway.stop()
  upstreamResponse.writeHead(200).end('old')
  t.equal(await (await call).text(), 'old')
  await stopped
})

t.test('the listener\'s limits hold', async (t) => {
  const { url } = await startConfigured(t, { resource: 'http://127.0.0.1:1/mcp', ...UNREACHABLE_SERVER, limits: { headerBytes: 20_000, connections: 2 } })
  t.equal((await send(url, { target: '/health', headers: { 'X-Long': 'x'.repeat(18_000) } })).status, 200)
  t.equal((await send(url, { target: '/health', headers: { 'X-Long': 'x'.repeat(22_000) } })).status, 431)
  const [first, second] = [await openConnection(t, url), await openConnection(t, url)]
  for (const client of [first, second]) {
    client.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await client.until('healthy')
  }
  const third = await openConnection(t, url)
  await third.closed
  t.equal(third.received(), '')
})

t.test('a port that is taken is an error of the start', async (t) => {
  const { url } = await startConfigured(t, { resource: 'http://127.0.0.1:1/mcp', ...UNREACHABLE_SERVER })
  const config = configFor({ resource: 'http://127.0.0.1:1/mcp', ...UNREACHABLE_SERVER }, { port: Number(new URL(url).port) })
  await t.rejects(startServer(config, silentServices()), { code: 'EADDRINUSE' })
})
