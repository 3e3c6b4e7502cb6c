// Many requests ahead on one connection, none of whose responses is waited for: more calls than connections
// are permitted; and then the connection is gone, and nobody tells those whose turn has not come. Fell for
// it: whatever is built on node's http server and listens for the end of a response: node never emits `close`
// for a response that is still queued. Upstream requests stayed open, and calls went through without an audit
// event. It fails here because a connection is served one request at a time, and little may wait (F5, O4).
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { defer } from '../helpers/deferred.js'
import { openSocket } from '../helpers/raw-connection.js'
import { rawRequest, sendRaw } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { FORBIDDEN_CALL, PERMITTED_CALL, receivedBy, stillWorks } from './assertions.js'

t.test('F5: requests that are sent ahead wait for their turn, and are dropped with their connection', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { gateway, upstream, token } = scene
  let asked: (response: ServerResponse) => void = () => {}
  const first = new Promise<ServerResponse>((resolve) => { asked = resolve })
  const answer = upstream.answer
  upstream.answer = (_request, response) => { asked(response) }
  const socket = await openSocket(gateway)
  socket.write(
    Buffer.concat(Array.from({ length: 10 }, () => rawRequest(gateway, { token, body: PERMITTED_CALL })))
  )
  const waitingForIt = await first
  upstream.answer = answer
  await stillWorks(t, scene)
  t.equal(upstream.received.length, 2, 'one of the ten, and the call on another connection')
  const isLetGo = once(waitingForIt, 'close')
  socket.destroy()
  await isLetGo
  await gateway.logged(({ reason }) => reason === 'client_left')
  await stillWorks(t, scene)
  t.equal(upstream.received.length, 3, 'none of the others was sent after its client had left')
  t.equal(gateway.log.filter(({ event }) => event === 'request').length, upstream.received.length, 'whatever was sent to the upstream is on record')
})

t.test('streams that are sent for ahead are not opened', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { gateway, upstream, token } = scene
  let opened = 0
  const answer = upstream.answer
  upstream.answer = (request, response, body) => {
    if (request.method !== 'GET') return answer(request, response, body)
    opened++
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n')
  }
  const socket = await openSocket(gateway)
  socket.write(Buffer.concat(Array.from({ length: 10 }, () => rawRequest(gateway, { method: 'GET', token }))))
  await once(socket, 'data')
  await stillWorks(t, scene)
  t.equal(opened, 1)
  socket.destroy()
  await gateway.logged(({ client }) => (client as { httpMethod: string }).httpMethod === 'GET')
})

t.test('F5: a long body ahead does not hide that its client has left', async (t) => {
  for (const framing of ['Transfer-Encoding: chunked', 'Content-Length: 100000']) {
    const scene = await startScene(t, { upstreamPath: '/mcp' })
    const { gateway, upstream, token } = scene
    const opened = defer<ServerResponse>()
    const { answer } = upstream
    upstream.answer = (request, response, body) => {
      if (request.method !== 'GET') return answer(request, response, body)
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n')
      opened.resolve(response)
    }
    const socket = await openSocket(gateway)
    socket.write(rawRequest(gateway, { method: 'GET', token }))
    const isLetGo = once(await opened.promise, 'close')
    socket.write(rawRequest(gateway, { token, headers: [framing], contentLength: false }))
    socket.write('x'.repeat(50_000))
    await isLetGo
    await stillWorks(t, scene)
  }
})

t.test('F5: more than a few ahead cost the connection', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { gateway, upstream, token } = scene
  const { statuses } = await sendRaw(gateway, Buffer.concat(
    Array.from({ length: 500 }, () => rawRequest(gateway, { token, body: PERMITTED_CALL }))
  ), 500)
  t.same(statuses, [], 'it is closed')
  t.ok(upstream.received.length <= 1)
  upstream.received.length = 0
  await stillWorks(t, scene)
})

t.test('a few ahead are each decided and answered, in their order', async (t) => {
  const { gateway, upstream, token, readToken } = await startScene(t, { upstreamPath: '/mcp' })
  const { statuses } = await sendRaw(gateway, [
    rawRequest(gateway, { token, body: PERMITTED_CALL }), rawRequest(gateway, { body: PERMITTED_CALL }),
    rawRequest(gateway, { token: readToken, body: FORBIDDEN_CALL }), rawRequest(gateway, { method: 'GET', target: '/health' }),
    rawRequest(gateway, { token: readToken, body: PERMITTED_CALL, headers: ['Connection: close'] })
  ], 5)
  t.same(statuses, [200, 401, 403, 200, 200])
  t.same(receivedBy(upstream), ['POST /mcp', 'POST /mcp'])
})
