// Clients that take their time: heads and bodies that trickle in, responses that nobody reads, connections
// that only stand there, to use up memory, connections or the upstream. Fell for it: thread-per-connection
// servers (slowloris, 2009), proxies that buffer whole responses (wso2/api-platform#2968). It fails here
// because nothing is asked of the upstream before a body is complete, a response that is not read pauses the
// upstream (F4), and the connections can be limited.
import t from 'tap'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import { openSocket } from '../helpers/raw-connection.js'
import { rawRequest, sendOne } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { until } from '../helpers/until.js'
import { FORBIDDEN_CALL, PERMITTED_CALL, stillWorks } from './assertions.js'

t.test('bodies that never end take nothing from the upstream and little memory', async (t) => {
  const scene = await startScene(t)
  const { gateway, token, upstream } = scene
  const sockets: Socket[] = []
  t.teardown(() => { for (const socket of sockets) socket.destroy() })
  const before = process.memoryUsage()
  for (let index = 0; index < 300; index++) {
    const socket = await openSocket(gateway)
    sockets.push(socket)
    const beginning = { contentLength: 4_000_000, body: FORBIDDEN_CALL.slice(0, 40) }
    socket.write(index % 3 === 0
      ? 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: '
      : rawRequest(gateway, { ...beginning, token: index % 3 === 1 ? token : undefined }))
  }
  await stillWorks(t, scene)
  const after = process.memoryUsage()
  t.equal(upstream.connections(), 1)
  t.ok(after.arrayBuffers + after.external - before.arrayBuffers - before.external < 50_000_000, 'no room is made for what was only announced')
})

t.test('a response that nobody reads pauses the upstream', async (t) => {
  const scene = await startScene(t)
  const { gateway, token, upstream } = scene
  const chunk = Buffer.alloc(65_536, 'x')
  const total = 200_000_000
  let written = 0
  let ended = 0
  upstream.answer = (request, response) => {
    const kind = request.headers['x-slow']
    if (kind === undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
      return
    }
    response.writeHead(200, { 'content-type': kind === 'events' ? 'text/event-stream' : 'application/octet-stream' })
    function pump (): void {
      while (written < total && !response.destroyed) {
        written += chunk.length
        if (response.write(kind === 'events' ? `data: ${'x'.repeat(65_000)}\n\n` : chunk)) continue
        response.once('drain', pump)
        return
      }
    }
    response.once('close', () => { ended++ })
    pump()
  }
  const readers = [{ method: 'POST', body: PERMITTED_CALL, headers: ['X-Slow: bytes'] }, { method: 'GET', headers: ['X-Slow: bytes'] }, { method: 'GET', headers: ['X-Slow: events'] }]
  for (const request of readers) {
    written = 0
    ended = 0
    const socket = await openSocket(gateway)
    socket.write(rawRequest(gateway, { token, ...request }))
    await once(socket, 'data')
    socket.pause()
    // As long as anything still moves.
    for (let last = -1; last !== written;) {
      last = written
      for (let index = 0; index < 5; index++) await sendOne(gateway, { token, body: PERMITTED_CALL })
    }
    t.ok(written < total / 4, `${request.method} ${request.headers[0]}: the upstream wrote ${written} of ${total} bytes`)
    t.equal(ended, 0)
    socket.destroy()
    await until(() => ended > 0, 'the request at the upstream has ended')
  }
  await stillWorks(t, scene)
})

t.test('the number of connections can be limited, and those that are served are served', async (t) => {
  const scene = await startScene(t, { config: { limits: { connections: 20 } } })
  const { gateway, token } = scene
  await sendOne(gateway, { token, body: PERMITTED_CALL })
  const sockets = await Promise.all(Array.from({ length: 40 }, () => openSocket(gateway)))
  t.teardown(() => { for (const socket of sockets) socket.destroy() })
  let dropped = 0
  let served = 0
  await Promise.all(sockets.map(async (socket) => {
    const outcome = new Promise<'served' | 'dropped'>((resolve) => {
      socket.once('data', () => resolve('served'))
      socket.once('close', () => resolve('dropped'))
    })
    socket.write(rawRequest(gateway, { token, body: PERMITTED_CALL }))
    if (await outcome === 'served') served++
    else dropped++
  }))
  t.ok(served > 0 && served <= 20, `${served} are served`)
  t.ok(dropped >= 20, `${dropped} are dropped`)
})
