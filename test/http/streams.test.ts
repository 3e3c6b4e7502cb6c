import type { ServerResponse } from 'node:http'
import t from 'tap'
import { defer } from '../helpers/deferred.js'
import { toolCall } from '../helpers/gateway.js'
import { openConnection, type RawConnection } from '../helpers/raw-connection.js'
import { type Scene, startScene } from '../helpers/scene.js'
import { until } from '../helpers/until.js'

const SSE = { 'content-type': 'text/event-stream' } as const
const CALL = JSON.stringify(toolCall('list_todos'))

/** The two ways of forwarding: a message, and everything else. */
const WAYS = ['POST', 'GET'] as const

function write (connection: RawConnection, method: typeof WAYS[number], token: string, path = '/mcp'): void {
  const body = method === 'POST' ? `Content-Type: application/json\r\nContent-Length: ${CALL.length}\r\n\r\n${CALL}` : '\r\n'
  connection.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n${body}`)
}

async function startRequest (
  t: Parameters<typeof openConnection>[0], { gateway, token }: Scene, method: typeof WAYS[number]
): Promise<RawConnection> {
  const connection = await openConnection(t, gateway.origin)
  write(connection, method, token)
  return connection
}

for (const method of WAYS) {
  t.test(`F4: ${method}: an event is at the client before the upstream writes the next`, async (t) => {
    const inner = defer<ServerResponse>()
    const all = await startScene(t, { answer: (_request, response) => { inner.resolve(response) } })
    const client = await startRequest(t, all, method)
    const response = await inner.promise
    response.writeHead(200, { ...SSE, 'x-accel-buffering': 'yes' }).flushHeaders()
    t.match((await client.until('\r\n\r\n')).toLowerCase(), 'x-accel-buffering: no', 'the headers are there before any event')
    for (const event of ['data: one\n\n', 'data: two\n\n', ': ping\n\n']) {
      response.write(event)
      await client.until(event)
    }
    response.end('data: last\n\n')
    t.match(await client.until('\r\n0\r\n\r\n'), 'data: last\n\n')
  })

  t.test(`F4: ${method}: parts of any response are handed on as they come`, async (t) => {
    const inner = defer<ServerResponse>()
    const all = await startScene(t, { answer: (_request, response) => { inner.resolve(response) } })
    const client = await startRequest(t, all, method)
    const response = await inner.promise
    response.writeHead(200, { 'content-type': 'application/json' })
    for (const part of ['{"jsonrpc":"2.0",', '"id":1,', '"result":{}}']) {
      response.write(part)
      await client.until(part)
    }
    response.end()
    await client.until('\r\n0\r\n\r\n')
  })

  t.test(`F4: ${method}: a client that reads slowly slows the upstream down`, async (t) => {
    const stalled = defer<number>()
    const finished = defer()
    const size = 64 * 1024 * 1024
    const all = await startScene(t, {
      answer: (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size })
        const chunk = Buffer.alloc(64 * 1024, 'x')
        let written = 0
        let quiet: NodeJS.Timeout | undefined
        function pump (): unknown {
          clearTimeout(quiet)
          while (written < size) {
            written += chunk.length
            if (!response.write(chunk)) {
              // Nothing drains any more: what has been taken so far is all that the gateway buffers.
              quiet = setTimeout(() => stalled.resolve(written), 300)
              return response.once('drain', pump)
            }
          }
          finished.resolve()
          return response.end()
        }
        pump()
      }
    })
    const client = await openConnection(t, all.gateway.origin)
    client.socket.pause()
    write(client, method, all.token)
    const before = process.memoryUsage().arrayBuffers
    const taken = await stalled.promise
    t.ok(taken < 24 * 1024 * 1024, `${taken} bytes were taken: the buffers of the sockets`)
    t.ok(process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024, 'and were not kept in memory')
    const whole = defer()
    let received = 0
    client.socket.removeAllListeners('data')
    client.socket.on('data', (data: Buffer) => {
      received += data.length
      if (received > size) whole.resolve()
    })
    client.socket.resume()
    await Promise.all([finished.promise, whole.promise])
    t.pass('everything arrived once the client read on')
  })

  t.test(`F5: ${method}: a client that leaves before the response ends the upstream request at once`, async (t) => {
    const arrived = defer()
    const left = defer()
    const all = await startScene(t, {
      answer: (_request, response) => {
        response.once('close', () => left.resolve())
        arrived.resolve()
      }
    })
    const client = await startRequest(t, all, method)
    await arrived.promise
    client.socket.destroy()
    await left.promise
    t.match(await all.gateway.logged(({ event }) => event === 'request'), { complete: false })
  })

  t.test(`F5: ${method}: a client that leaves during the response ends the upstream request at once`, async (t) => {
    const left = defer()
    const all = await startScene(t, {
      answer: (_request, response) => {
        response.once('close', () => left.resolve())
        response.writeHead(200, SSE).write('data: one\n\n')
      }
    })
    const client = await startRequest(t, all, method)
    await client.until('data: one')
    client.socket.destroy()
    await left.promise
    t.match(await all.gateway.logged(({ event }) => event === 'request'), { complete: false, httpStatus: 200 })
  })

  t.test(`${method}: a client that leaves while it is not reading ends the upstream request, too`, async (t) => {
    const left = defer()
    const stalled = defer()
    const all = await startScene(t, {
      answer: (_request, response) => {
        response.once('close', () => left.resolve())
        response.writeHead(200, SSE)
        function pump (): void {
          while (response.write(`data: ${'x'.repeat(65536)}\n\n`));
          const quiet = setTimeout(() => stalled.resolve(), 200)
          response.once('drain', () => {
            clearTimeout(quiet)
            pump()
          })
        }
        pump()
      }
    })
    const client = await openConnection(t, all.gateway.origin)
    client.socket.pause()
    write(client, method, all.token)
    await stalled.promise
    client.socket.destroy()
    await left.promise
    t.pass('the upstream was told')
  })

  t.test(`F5: ${method}: an upstream that breaks off breaks the client's connection`, async (t) => {
    for (const headers of [SSE, { 'content-type': 'application/json', 'content-length': '100' }, { 'content-type': 'application/json' }]) {
      const inner = defer<ServerResponse>()
      const all = await startScene(t, { answer: (_request, response) => { inner.resolve(response) } })
      const client = await startRequest(t, all, method)
      const response = await inner.promise
      response.writeHead(200, headers).write('data: one\n\n')
      await client.until('data: one')
      response.destroy()
      await client.closed
      t.notMatch(client.received(), '\r\n0\r\n\r\n', 'the end of the response is not pretended')
      t.match(await all.gateway.logged(({ event }) => event === 'request'), { complete: false, reason: 'upstream_broken' })
    }
  })
}

t.test('GET: a client that leaves while its token is being verified opens nothing at the upstream', async (t) => {
  const asked = defer<ServerResponse>()
  const all = await startScene(t)
  all.issuer.routes.set('/jwks', (_request, response) => { asked.resolve(response) })
  const client = await startRequest(t, all, 'GET')
  const response = await asked.promise
  client.socket.destroy()
  await all.gateway.logged(({ event }) => event === 'request')
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: all.issuer.keys }))
  // A later request has been through the same verification.
  const later = await all.gateway.post(all.token, CALL)
  t.equal(later.status, 200)
  t.same(all.upstream.received.map(({ method }) => method), ['POST'])
})

t.test('F4: many idle streams do not slow down or block a call', async (t) => {
  let open = 0
  const all = await startScene(t, {
    answer: (request, response, body) => {
      if (request.method === 'POST') return response.writeHead(200, { 'content-type': 'application/json' }).end(body)
      open++
      response.once('close', () => { open-- })
      return response.writeHead(200, SSE).write(': open\n\n')
    }
  })
  const clients = await Promise.all(Array.from({ length: 150 }, () => startRequest(t, all, 'GET')))
  await Promise.all(clients.map((client) => client.until(': open')))
  t.equal(open, 150, 'more than the 128 connections that a usual pool has')
  t.equal((await all.gateway.post(all.token, CALL)).status, 200)
  for (const client of clients) client.socket.destroy()
  await until(() => all.upstream.connections() <= 1, 'one connection is left')
  t.equal(open, 0)
})

for (const method of WAYS) {
  t.test(`F5: ${method}: a client that closes its sending side has left, and the upstream request ends`, async (t) => {
    const received = defer<ServerResponse>()
    const closed = defer()
    const all = await startScene(t, {
      answer: (_request, response) => {
        response.once('close', () => closed.resolve())
        received.resolve(response)
      }
    })
    const client = await startRequest(t, all, method)
    await received.promise
    client.socket.end() // it still reads
    await closed.promise
    t.equal(await client.closed, 'end')
    t.equal(client.received(), '')
  })
}

t.test('F4: a quiet stream is not cut: there is no limit between two events', async (t) => {
  const inner = defer<ServerResponse>()
  const all = await startScene(t, {
    config: { limits: { upstreamTimeoutMs: 150 } },
    answer: (_request, response) => { inner.resolve(response) }
  })
  const client = await startRequest(t, all, 'GET')
  const response = await inner.promise
  response.writeHead(200, SSE).write('data: one\n\n')
  await client.until('data: one')
  // Longer than undici's timers are coarse: a limit of 150 ms between two parts would have cut it by then.
  await new Promise((resolve) => { setTimeout(resolve, 1500) })
  response.write('data: two\n\n')
  await client.until('data: two')
  t.notOk(client.socket.closed)
})

t.test('several requests on one connection are answered in order', async (t) => {
  const all = await startScene(t)
  const client = await openConnection(t, all.gateway.origin)
  for (const method of ['POST', 'GET', 'POST'] as const) write(client, method, all.token)
  client.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const text = await client.until('healthy')
  t.same(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 202', 'HTTP/1.1 200', 'HTTP/1.1 200'])
})
