// Upstreams that send the header of a stream with its first event, as those made with the official Go SDK do.
import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import type { Clock } from '../../src/clock.js'
import { createTestClock } from '../helpers/clock.js'
import { defer } from '../helpers/deferred.js'
import { toolCall } from '../helpers/gateway.js'
import { openConnection, type RawConnection } from '../helpers/raw-connection.js'
import { rawRequest } from '../helpers/raw-http.js'
import { type Scene, startScene } from '../helpers/scene.js'

const LISTEN = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'subscriptions/listen',
  params: { notifications: {}, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }
})
const STREAMS = {
  'the legacy stream': { method: 'GET', headers: ['Accept: Text/Event-Stream'] },
  'subscriptions/listen': {
    body: LISTEN,
    headers: ['MCP-Protocol-Version: 2026-07-28', 'Mcp-Method: subscriptions/listen']
  }
}

/** The timer of a gateway on which nothing is asked: it looks for requests that take long. */
const OF_GATEWAY = 1

interface Waiting extends Scene {
  readonly client: RawConnection
  /** The first request's response at the upstream, of which nothing was sent. */
  readonly response: ServerResponse
  readonly upstreamClosed: Promise<void>
}

async function waitForHeader (
  t: Test, request: typeof STREAMS[keyof typeof STREAMS], config: Record<string, unknown>, clock?: Clock
): Promise<Waiting> {
  const answered = defer<ServerResponse>()
  const closed = defer()
  const all = await startScene(t, {
    config,
    ...(clock === undefined ? {} : { clock }),
    answer: (_request, response) => {
      response.once('close', () => closed.resolve())
      answered.resolve(response)
    }
  })
  const client = await openConnection(t, all.gateway.origin)
  client.socket.write(rawRequest(all.gateway, { ...request, token: all.token }))
  return { ...all, client, response: await answered.promise, upstreamClosed: closed.promise }
}

for (const [name, request] of Object.entries(STREAMS)) {
  t.test(`F7: ${name} may begin later than upstreamTimeoutMs, and a call may not`, async (t) => {
    const config = { limits: { upstreamTimeoutMs: 100 } }
    const { client, response, gateway, token } = await waitForHeader(t, request, config)
    t.equal((await gateway.post(token, JSON.stringify(toolCall('list_todos')))).status, 504, 'a call that began later')
    t.equal(client.received(), '')
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {}\n\n')
    t.match(await client.until('data: {}'), /^HTTP\/1\.1 200 /)
  })

  t.test(`F11: ${name} that has not begun when the token expires is 504, and is let go`, async (t) => {
    const clock = createTestClock()
    const { client, upstreamClosed, gateway } = await waitForHeader(t, request, {}, clock)
    clock.advance(598_000)
    t.equal(client.received(), '')
    clock.advance(3_000)
    t.match(await client.until('upstream_timeout'), /^HTTP\/1\.1 504 /)
    await upstreamClosed
    t.match(await gateway.logged(({ event }) => event === 'request'), { httpStatus: 504 })
    t.equal(clock.pending(), OF_GATEWAY)
  })

  t.test(`O3: ${name} that has not begun at the drain deadline is 504`, async (t) => {
    const { client, gateway } = await waitForHeader(t, request, { limits: { drainMs: 0 } })
    const stopped = gateway.stop()
    t.match(await client.until('upstream_timeout'), /^HTTP\/1\.1 504 /)
    await stopped
  })

  t.test(`F11: ${name} that turns out to be no stream is not cut`, async (t) => {
    const clock = createTestClock()
    const config = { policy: { filterLists: false, tools: {} } }
    const { client, response } = await waitForHeader(t, request, config, clock)
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"jsonrpc":"2.0",')
    await client.until('jsonrpc')
    clock.advance(601_000)
    response.end('"id":1,"result":{}}')
    await client.until('"result":{}}')
  })
}
