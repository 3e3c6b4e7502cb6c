import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { createTestClock, type TestClock } from '../helpers/clock.js'
import { defer } from '../helpers/deferred.js'
import { openConnection, type RawConnection } from '../helpers/raw-connection.js'
import { type Scene, startScene } from '../helpers/scene.js'

const LISTEN = { jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: { notifications: {}, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } } }
const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_todos', arguments: {} } }

interface OpenStream extends Scene {
  readonly client: RawConnection
  readonly clock: TestClock
  readonly upstreamClosed: Promise<void>
  readonly response: ServerResponse
}

/** A stream through the gateway, opened with a token that expires in 600 seconds. */
async function openStream (
  t: Test, message?: object, config: Record<string, unknown> = {}, headers: Record<string, string> = {}
): Promise<OpenStream> {
  const clock = createTestClock()
  const answered = defer<ServerResponse>()
  const closed = defer()
  const all = await startScene(t, {
    clock,
    config,
    answer: (_request, response) => {
      response.once('close', () => closed.resolve())
      response.writeHead(200, { 'content-type': 'text/event-stream', ...headers }).write('data: {}\n\n')
      answered.resolve(response)
    }
  })
  const client = await openConnection(t, all.gateway.origin)
  const body = message === undefined ? '' : JSON.stringify(message)
  const lines = message === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${body.length}`]
  if (message !== undefined && message !== CALL) lines.push('MCP-Protocol-Version: 2026-07-28', 'Mcp-Method: subscriptions/listen')
  client.write([`${message === undefined ? 'GET' : 'POST'} /mcp HTTP/1.1`, 'Host: localhost', `Authorization: Bearer ${all.token}`, ...lines, '', body].join('\r\n'))
  await client.until('data: {}')
  return { ...all, client, clock, upstreamClosed: closed.promise, response: await answered.promise }
}

/** The timer of a gateway on which nothing is asked: it looks for requests that take long. */
const OF_GATEWAY = 1

const { id, ...LISTEN_WITHOUT_ID } = LISTEN

for (const [name, message] of [['the legacy stream', undefined], ['subscriptions/listen', LISTEN], ['subscriptions/listen without an id', LISTEN_WITHOUT_ID]] as const) {
  t.test(`F11: ${name} ends, cleanly, when the token that opened it expires`, async (t) => {
    const { client, clock, upstreamClosed, gateway } = await openStream(t, message)
    clock.advance(598_000)
    t.notMatch(client.received(), '\r\n0\r\n\r\n')
    clock.advance(3_000)
    await client.until('\r\n0\r\n\r\n')
    await upstreamClosed
    t.match(await gateway.logged(({ event }) => event === 'request'), { complete: true, httpStatus: 200 })
    t.equal(clock.pending(), OF_GATEWAY)
  })

  t.test(`${name} ends just so when the upstream promises more than it has sent`, async (t) => {
    const { client, clock } = await openStream(t, message, { policy: { filterLists: false, tools: {} } }, { 'content-length': '1000000' })
    clock.advance(601_000)
    await client.until('\r\n0\r\n\r\n')
  })

  t.test(`F11: ${name} goes on when streams.endAtTokenExpiry is false`, async (t) => {
    const { client, clock, response } = await openStream(t, message, { streams: { endAtTokenExpiry: false } })
    clock.advance(86_400_000)
    response.write('data: later\n\n')
    t.notMatch(await client.until('data: later'), '\r\n0\r\n\r\n')
  })
}

t.test('F11: a response that only some clients take for an event stream is edited as one, and ends like one', async (t) => {
  const type = 'application/json, text/event-stream'
  const policy = { tools: { get_todo: true } }
  const { client, clock, response, upstreamClosed } = await openStream(t, undefined, { policy }, { 'content-type': type })
  t.match(client.received(), /\r\nx-accel-buffering: no\r\n/i)
  response.write('data: {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"get_todo"},{"name":"reset"}]}}\n\n')
  t.match(await client.until('"result"'), '"result":{"tools":[{"name":"get_todo"}]}')
  clock.advance(601_000)
  await client.until('\r\n0\r\n\r\n')
  await upstreamClosed
})

t.test('F11: subscriptions/listen ends just so under a type that names more than one', async (t) => {
  const { client, clock } = await openStream(t, LISTEN, {}, { 'content-type': 'application/json, text/event-stream' })
  t.match(client.received(), /\r\nx-accel-buffering: no\r\n/i)
  clock.advance(601_000)
  await client.until('\r\n0\r\n\r\n')
})

t.test('F11: the response to a call is not cut off by the expiry of its token', async (t) => {
  const { client, clock, response } = await openStream(t, CALL)
  clock.advance(86_400_000)
  response.end('data: result\n\n')
  t.match(await client.until('\r\n0\r\n\r\n'), 'data: result')
})

t.test('no timer outlives its stream', async (t) => {
  const { clock, client, upstreamClosed } = await openStream(t)
  t.equal(clock.pending(), OF_GATEWAY + 1)
  client.socket.destroy()
  await upstreamClosed
  t.equal(clock.pending(), OF_GATEWAY)
})
