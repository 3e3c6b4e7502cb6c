import t from 'tap'
import { createTestClock } from '../helpers/clock.js'
import { defer } from '../helpers/deferred.js'
import { type TestGateway, toolCall } from '../helpers/gateway.js'
import type { LogLine } from '../helpers/process.js'
import { openConnection } from '../helpers/raw-connection.js'
import { send } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'

const TYPE = { 'Content-Type': 'application/json' }

function events ({ log }: TestGateway): readonly LogLine[] {
  return log.filter(({ event }) => event === 'request')
}

t.test('O4: a forwarded call leaves one event with who, what, and how it went', async (t) => {
  const clock = createTestClock()
  const { gateway, send, issuer } = await startScene(t, {
    clock,
    answer: (_request, response) => {
      clock.advance(42)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
    }
  })
  const body = JSON.stringify(toolCall('list_todos', { secret: 'argument' }))
  const response = await send({ method: 'POST', target: '/mcp', headers: TYPE, body })
  const { time, level, responseBytes, ...event } = await gateway.logged(({ event }) => event === 'request')
  t.same(event, {
    event: 'request',
    requestId: response.headers['x-request-id'],
    resource: gateway.resource,
    clientAddress: '127.0.0.1',
    decision: 'allow',
    rule: 'tools.list_todos',
    issuer: issuer.issuer,
    subject: 'alice',
    clientId: 'client-1',
    httpStatus: 200,
    complete: true,
    durationMs: 42,
    requestBytes: body.length,
    client: { httpMethod: 'POST', method: 'tools/call', target: 'list_todos' }
  })
  t.ok(Number(responseBytes) > 100 && Number(responseBytes) < 1000, 'headers and body')
  t.ok(time)
  t.equal(level, 30)
})

t.test('O4: every request that reached authentication leaves exactly one event, whatever became of it', async (t) => {
  const arrived = defer()
  const { gateway, send: sendWithToken, upstream } = await startScene(t, { config: { origins: ['https://app.example'] } })
  const { origin } = gateway
  const call = { method: 'POST', target: '/mcp', headers: TYPE, body: JSON.stringify(toolCall('list_todos')) }
  const expected: Readonly<Record<string, unknown>>[] = []
  const sent = async (request: Promise<unknown>, event: Readonly<Record<string, unknown>>): Promise<void> => {
    await request
    expected.push(event)
    if (events(gateway).length < expected.length) await gateway.logged((line) => line['event'] === 'request' && events(gateway).length >= expected.length)
  }
  await sent(sendWithToken(call), { decision: 'allow', httpStatus: 200 })
  await sent(sendWithToken({ target: '/mcp' }), { decision: 'allow', httpStatus: 202 })
  await sent(send(origin, call), { decision: 'deny', reason: 'missing_token', httpStatus: 401 })
  await sent(send(origin, { ...call, headers: { ...TYPE, Authorization: 'Bearer x' } }), { decision: 'deny', reason: 'invalid_token', httpStatus: 401 })
  await sent(sendWithToken({ ...call, target: '/mcp?access_token=x' }), { decision: 'deny', reason: 'invalid_request', httpStatus: 400 })
  await sent(sendWithToken({ ...call, target: '/mcp/..%2f' }), { decision: 'deny', reason: 'bad_path', httpStatus: 400 })
  await sent(sendWithToken({ ...call, body: '{' }), { decision: 'deny', reason: 'bad_message', httpStatus: 400 })
  await sent(sendWithToken({ ...call, body: JSON.stringify(toolCall('unlisted')) }), { decision: 'deny', reason: 'access_denied', rule: 'tools unlisted', httpStatus: 403, client: { target: 'unlisted' } })
  await sent(sendWithToken({ ...call, method: 'PUT' }), { decision: 'deny', reason: 'method_not_allowed', httpStatus: 405 })
  await sent(sendWithToken({ ...call, headers: { 'Content-Type': 'text/plain' } }), { decision: 'deny', reason: 'unsupported_media_type', httpStatus: 415 })
  await sent(sendWithToken({ ...call, headers: { ...TYPE, 'Mcp-Session-Id': 'x' } }), { decision: 'deny', reason: 'session_not_found', httpStatus: 404 })
  const client = await openConnection(t, origin)
  upstream.answer = () => arrived.resolve()
  const pending = sendWithToken({ ...call, target: '/mcp/slow' }).catch(() => {})
  await arrived.promise
  await upstream.stop()
  await sent(pending, { decision: 'allow', reason: 'upstream_broken', httpStatus: 502 })
  await sent(sendWithToken(call), { decision: 'allow', reason: 'upstream_unreachable', httpStatus: 502 })
  client.write('POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n')
  await client.until('401')
  client.socket.destroy()
  await sent(client.closed, { decision: 'deny', reason: 'missing_token' })
  for (const [index, event] of events(gateway).entries()) t.match(event, expected[index])
  t.equal(events(gateway).length, expected.length)
  t.equal(new Set(events(gateway).map(({ requestId }) => requestId)).size, expected.length, 'each with an id of its own')

  for (const other of [{ target: '/health' }, { target: '/.well-known/oauth-protected-resource' }, { target: '/other' }, { target: '/mcp', headers: { Origin: 'https://evil.example' } }, { method: 'OPTIONS', target: '/mcp', headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' } }]) {
    await send(origin, other)
  }
  await sent(send(origin, call), { decision: 'deny' })
  t.equal(events(gateway).length, expected.length, 'what did not reach authentication leaves none')
})

t.test('O4: a client that leaves is on record, before a response and during one', async (t) => {
  const { gateway, token, upstream } = await startScene(t)
  const request = `GET /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`
  const arrived = defer()
  upstream.answer = () => arrived.resolve()
  const early = await openConnection(t, gateway.origin)
  early.write(request)
  await arrived.promise
  early.socket.destroy()
  t.match(await gateway.logged(({ event }) => event === 'request'), { decision: 'allow', reason: 'client_left', httpStatus: 499, complete: false, subject: 'alice' })

  upstream.answer = (_request, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: x\n\n') }
  const late = await openConnection(t, gateway.origin)
  late.write(request)
  await late.until('data: x')
  late.socket.destroy()
  t.match(await gateway.logged(({ event, httpStatus }) => event === 'request' && httpStatus === 200), { decision: 'allow', complete: false, reason: undefined })
})

/** Lets the gateway look once at what is under way. */
const LOOK_MS = 500

function opened ({ log }: TestGateway): readonly LogLine[] {
  return log.filter(({ event }) => event === 'request open')
}

t.test('O4: a call that takes a second is on record before it is over, once, with the same request id', async (t) => {
  const clock = createTestClock()
  const { gateway, token, upstream } = await startScene(t, { clock })
  const { answer } = upstream
  const [arrived, held] = [defer(), defer()]
  upstream.answer = (...parts) => {
    arrived.resolve()
    held.promise.then(() => answer(...parts), t.threw)
  }
  const body = JSON.stringify(toolCall('list_todos', { secret: 'argument' }))
  const response = gateway.post(token, body)
  await arrived.promise
  for (let ms = LOOK_MS; ms < 1000; ms += LOOK_MS) clock.advance(LOOK_MS)
  t.equal(opened(gateway).length, 0, 'a quick call leaves no second event')
  for (let i = 0; i < 10; i++) clock.advance(LOOK_MS)
  const { time, level, issuer, ...event } = await gateway.logged((line) => line['event'] === 'request open')
  t.same(event, {
    event: 'request open',
    requestId: event['requestId'],
    resource: gateway.resource,
    clientAddress: '127.0.0.1',
    decision: 'allow',
    rule: 'tools.list_todos',
    subject: 'alice',
    clientId: 'client-1',
    durationMs: 1500,
    requestBytes: body.length,
    client: { httpMethod: 'POST', method: 'tools/call', target: 'list_todos' }
  })
  t.ok(time)
  t.ok(issuer)
  t.equal(level, 30)
  held.resolve()
  t.equal((await response).status, 200)
  const last = await gateway.logged((line) => line['event'] === 'request')
  t.equal(last['requestId'], event['requestId'])
  t.match(last, { httpStatus: 200, complete: true, durationMs: 5500 })
  t.equal(opened(gateway).length, 1)

  await (await gateway.post(token, body)).arrayBuffer()
  for (let i = 0; i < 10; i++) clock.advance(LOOK_MS)
  t.equal(opened(gateway).length, 1, 'a connection that is kept is not a request')
})

t.test('O4: a listening stream is on record at once, and a call whose response is a stream is not', async (t) => {
  const clock = createTestClock()
  const { gateway, token, upstream } = await startScene(t, { clock })
  upstream.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n')
  }
  const stream = await openConnection(t, gateway.origin)
  stream.write(`GET /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  await stream.until(': here')
  const event = await gateway.logged((line) => line['event'] === 'request open')
  t.match(event, { decision: 'allow', subject: 'alice', httpStatus: 200, client: { httpMethod: 'GET' } })
  const call = await gateway.post(token, toolCall('list_todos'))
  t.equal(opened(gateway).length, 1)
  for (let i = 0; i < 10; i++) clock.advance(LOOK_MS)
  t.equal(opened(gateway).length, 2, 'the call has taken long by now; the stream is not named again')
  await call.body?.cancel()
  stream.socket.destroy()
  const { requestId } = event
  t.ok(await gateway.logged((line) => line['event'] === 'request' && line['requestId'] === requestId))
})

t.test('O4: what waits for its decision is on record without one', async (t) => {
  const clock = createTestClock()
  const { gateway, token, issuer } = await startScene(t, { clock })
  const asked = defer()
  issuer.routes.set('/jwks', () => asked.resolve())
  const client = await openConnection(t, gateway.origin)
  client.write(`GET /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  await asked.promise
  for (let i = 0; i < 3; i++) clock.advance(LOOK_MS)
  const event = await gateway.logged((line) => line['event'] === 'request open')
  for (const field of ['decision', 'subject', 'httpStatus']) t.notOk(field in event, field)
})

t.test('a client that leaves before its token is verified was not allowed anything', async (t) => {
  const { gateway, token, issuer } = await startScene(t)
  const asked = defer()
  issuer.routes.set('/jwks', () => asked.resolve())
  const client = await openConnection(t, gateway.origin)
  client.write(`GET /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  await asked.promise
  client.socket.destroy()
  const event = await gateway.logged(({ event }) => event === 'request')
  t.match(event, { decision: 'deny', reason: 'client_left', httpStatus: 499, complete: false })
  t.notOk('subject' in event)
})

t.test('O4: what a client sends stands under `client` alone, shortened, and cannot break a line', async (t) => {
  const { gateway, token, tokenWith } = await startScene(t, { logLevel: 'debug' })
  const marker = 'INJECTED'
  const evil = `${marker}\r\n{"event":"request","decision":"allow"}\u2028\u0000\u001b[31m`
  await gateway.post(token, toolCall(evil))
  await gateway.post(token, { jsonrpc: '2.0', id: evil, method: evil + 'x'.repeat(100_000) })
  await gateway.post(token, { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'todo://' + marker } })
  await gateway.post(token, toolCall('list_todos', { [marker]: marker }), {
    headers: { 'user-agent': marker, 'x-request-id': marker, 'mcp-param-x': marker, referer: marker, 'x-forwarded-for': marker },
    path: `/${marker}?${marker}=${marker}`
  })
  await gateway.post(await tokenWith({ iss: `https://${marker}` }), toolCall('list_todos'))
  await send(gateway.origin, { target: '/mcp', headers: { Authorization: `Bearer ${marker} ${marker}`, Host: '127.0.0.1:1' } })
  await gateway.logged(({ event, httpStatus }) => event === 'request' && httpStatus === 400)
  t.equal(events(gateway).length, 6)
  for (const { client, ...rest } of gateway.log) {
    const chosen = (client ?? {}) as Readonly<Record<string, unknown>>
    t.notMatch(JSON.stringify(rest), marker)
    for (const value of Object.values(chosen)) t.ok(String(value).length <= 257, 'no longer than 256 characters and an ellipsis')
    const known = rest['level'] === 20 ? ['detail', 'method', 'target', 'token', 'userAgent', 'contentType'] : ['httpMethod', 'detail', 'method', 'target']
    t.same(Object.keys(chosen).filter((key) => !known.includes(key)), [])
  }
})
