// Requests that are not quite HTTP/1.1: other methods, other protocols, upgrades and tunnels, which a proxy
// may hand through without looking. Fell for it: proxies that tunnel after `Upgrade: h2c` (Bishop Fox 2020;
// HAProxy, Traefik, Nuster by default), and middleware that protects POST alone (set-up 2 leaves GET and
// DELETE to the framework; wso2/api-platform#2869). It fails here because credentials come before the method
// (R5), a message is the only thing that has a body, and the server has no listener for upgrades and tunnels.
import t from 'tap'
import { openSocket } from '../helpers/raw-connection.js'
import { rawRequest, sendOne, sendRaw, type WireRequest } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { FORBIDDEN_CALL, permits, PERMITTED_CALL, receivedBy, refuses, stillWorks } from './assertions.js'

const OTHER_METHODS = ['PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'SEARCH', 'REPORT', 'PURGE', 'MERGE', 'NOTIFY', 'SUBSCRIBE', 'UNSUBSCRIBE', 'LINK', 'UNLINK', 'BIND', 'REBIND', 'ACL', 'CHECKOUT', 'MKACTIVITY', 'MKCALENDAR', 'M-SEARCH', 'SOURCE']

t.test('R5: every other HTTP method needs credentials, and is refused with them', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  for (const method of OTHER_METHODS) {
    for (const target of ['/mcp', '/mcp/x']) {
      await refuses(t, scene, `${method} ${target} without a token`, { method, target, body: FORBIDDEN_CALL }, { status: 401 })
      await refuses(t, scene, `${method} ${target}`, { method, target, token: scene.token, body: PERMITTED_CALL, headers: ['Content-Type: application/json'] }, { status: 405 })
    }
  }
  for (const method of ['GET', 'HEAD', 'DELETE', 'POST']) await refuses(t, scene, `${method} without a token`, { method }, { status: 401 })
  await stillWorks(t, scene)
})

t.test('R5: a target in absolute form is that path, and other authorities are not served', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { host } = new URL(scene.gateway.origin)
  for (const scheme of ['http', 'https', 'HTTP']) {
    const target = `${scheme}://${host}/mcp`
    await permits(t, scene, target, { target, token: scene.readToken, body: PERMITTED_CALL })
    await refuses(t, scene, `${target} forbidden`, { target, token: scene.readToken, body: FORBIDDEN_CALL }, { status: 403, code: 403 })
    await refuses(t, scene, `${target} without a token`, { target, body: PERMITTED_CALL }, { status: 401 })
    const health = await sendOne(scene.gateway, { method: 'GET', target: `${scheme}://${host}/health` })
    t.strictSame(health.statuses, [200])
  }
  for (const target of [
    'http://other.example/mcp', `http://${host}@other.example/mcp`, `http://other.example@${host}/mcp`,
    `http://${host}.other.example/mcp`, `ftp://${host}/mcp`, `//${host}/mcp`, `http:/${host}/mcp`
  ]) {
    const { statuses } = await sendOne(scene.gateway, { target, token: scene.token, body: PERMITTED_CALL })
    t.ok(statuses.every((status) => status >= 400), `${target}: ${statuses}`)
  }
  for (const [path, status] of [['/health', 400], ['/.well-known/oauth-protected-resource/mcp', 400], ['/nowhere', 404], ['/mcp', 401]] as const) {
    for (const authority of ['other.example', `other.example@${host}`]) {
      const target = `HTTP://${authority}${path}`
      const { statuses } = await sendOne(scene.gateway, { method: 'GET', target })
      t.strictSame(statuses, [status], target)
    }
  }
  const query = `http://${host}/mcp?access_token=${scene.token}`
  await refuses(t, scene, query, { target: query, body: PERMITTED_CALL }, { status: 400 })
  await stillWorks(t, scene)
})

t.test('a body that no message may have is not forwarded', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const chunked = `${FORBIDDEN_CALL.length.toString(16)}\r\n${FORBIDDEN_CALL}\r\n0\r\n\r\n`
  for (const method of ['GET', 'HEAD', 'DELETE']) {
    for (const target of ['/mcp', '/mcp/messages?sessionId=1']) {
      await refuses(t, scene, `${method} ${target} with a length`, { method, target, token: scene.token, headers: ['Content-Type: application/json', 'Accept: text/event-stream'], body: FORBIDDEN_CALL }, { status: 400 })
      await refuses(t, scene, `${method} ${target} in chunks`, { method, target, token: scene.token, headers: ['Transfer-Encoding: chunked'], contentLength: false, body: chunked }, { status: 400 })
      const late = `1;x=y\r\n \r\n${chunked}`
      await refuses(t, scene, `${method} ${target} with a chunk of white space first`, { method, target, token: scene.token, headers: ['Transfer-Encoding: chunked'], contentLength: false, body: late }, { status: 400 })
    }
    const fromHttp2: WireRequest = { method, token: scene.token, headers: ['Transfer-Encoding: chunked'], contentLength: false, body: '0\r\n\r\n' }
    t.strictSame((await sendOne(scene.gateway, fromHttp2)).statuses.map((status) => status < 300), [true], `${method} of no bytes, in chunks, as it comes from HTTP/2`)
    const { headers, body } = scene.upstream.received.at(-1) ?? {}
    t.strictSame([headers?.['transfer-encoding'], body?.length], [undefined, 0])
    const received = await permits(t, scene, `${method} with a length of 0`, { method, token: scene.token, headers: ['Content-Length: 0'] })
    t.equal(received.headers['content-length'], undefined)
  }
  await stillWorks(t, scene)
})

t.test('a message posted below the resource is decided like any other', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  for (const target of ['/mcp/', '/mcp/messages', '/mcp/messages?sessionId=1', '/mcp/a/b/c', '/mcp?x=y']) {
    await refuses(t, scene, `${target} without a token`, { target, body: FORBIDDEN_CALL }, { status: 401 })
    await refuses(
      t, scene, target, { target, token: scene.readToken, body: FORBIDDEN_CALL }, { status: 403, code: 403 }
    )
    await refuses(t, scene, `${target} with no message`, { target, token: scene.readToken, body: 'name=delete_todo', headers: ['Content-Type: application/x-www-form-urlencoded'] }, { status: 415 })
    await refuses(t, scene, `${target} without a body`, { target, token: scene.readToken }, { status: 400 })
    await permits(t, scene, `${target} permitted`, { target, token: scene.readToken, body: PERMITTED_CALL })
  }
})

t.test('no upgrade and no tunnel leads past the gateway', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { gateway, token, upstream } = scene
  const tunnelled = rawRequest(gateway, { method: 'GET', target: '/admin' })
  const upgrades: Record<string, string[]> = {
    h2c: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'],
    websocket: ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13'],
    TLS: ['Connection: upgrade', 'Upgrade: TLS/1.3']
  }
  upstream.answer = (request, response) => {
    if (request.headers.upgrade !== undefined) {
      response.writeHead(101, { connection: 'upgrade', upgrade: request.headers.upgrade }).end()
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
  }
  for (const [name, headers] of Object.entries(upgrades)) {
    await refuses(t, scene, `${name} without a token`, { method: 'GET', headers }, { status: 401 })
    const { statuses } = await sendRaw(gateway, [rawRequest(gateway, { method: 'GET', token, headers }), tunnelled])
    t.equal(statuses[0], 200, `${name}: an ordinary request`)
    t.equal(upstream.received.at(-1)?.headers.upgrade, undefined)
    const posted = await sendRaw(
      gateway, [rawRequest(gateway, { token: scene.readToken, headers, body: FORBIDDEN_CALL }), tunnelled]
    )
    t.equal(posted.statuses[0], 403, `${name} on a POST`)
  }
  t.same(receivedBy(upstream), ['GET /mcp', 'GET /mcp', 'GET /mcp'])

  const { host } = new URL(upstream.origin)
  for (const target of [host, '127.0.0.1:22', '/mcp', `${upstream.origin}/mcp`]) {
    const { statuses } = await sendRaw(gateway, rawRequest(gateway, { method: 'CONNECT', target, token }))
    t.notMatch(statuses, [/^2/], `CONNECT ${target}: ${statuses}`)
  }
  t.equal(upstream.received.length, 3)
})

t.test('what is no HTTP/1 request is refused', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { gateway, token, upstream } = scene
  const rest = `Host: ${new URL(gateway.origin).host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${PERMITTED_CALL.length}\r\n\r\n${PERMITTED_CALL}`
  const lines = [
    'POST /mcp', 'POST /mcp\r\nHTTP/1.1', 'POST  /mcp HTTP/1.1 HTTP/1.1', 'POST /mcp HTTP/0.9', 'POST /mcp HTTP/1.2', 'POST /mcp HTTP/2.0', 'POST /mcp HTTP/3', 'POST /mcp HTTP/11', 'POST /mcp HTTP/1.1x', 'POST /mcp http/1.1', 'POST /mcp HTTPS/1.1', 'POST /mcp ICE/1.0',
    'post /mcp HTTP/1.1', 'Post /mcp HTTP/1.1', 'POST\t/mcp HTTP/1.1', 'POST\0 /mcp HTTP/1.1', ' POST /mcp HTTP/1.1', 'POSTX /mcp HTTP/1.1', 'POS /mcp HTTP/1.1', 'POST /mcp /health HTTP/1.1', 'POST /mcp\t HTTP/1.1', 'POST /mcp\x0bHTTP/1.1', 'POST HTTP/1.1', '/mcp', 'HELO /mcp HTTP/1.1', 'P\u00d6ST /mcp HTTP/1.1', 'GET\r /mcp HTTP/1.1'
  ]
  for (const line of lines) t.match((await sendRaw(gateway, `${line}\r\n${rest}`)).statuses, [400], JSON.stringify(line))
  t.match((await sendRaw(gateway, Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(9)]))).statuses, [400], 'the preface of HTTP/2')
  t.match((await sendRaw(gateway, Buffer.from('16030100c2010000be0303', 'hex'))).statuses, [400], 'a TLS handshake')
  t.match((await sendRaw(gateway, `${'\r\n'.repeat(3)}POST /mcp HTTP/1.1\r\n${rest}`)).statuses, [200], 'empty lines before a request are allowed (RFC 9112 §2.2)')
  t.same(receivedBy(upstream), ['POST /mcp'])
  await stillWorks(t, scene)
})

t.test('an Expect that is not 100-continue is refused, and 100-continue decides nothing', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  await refuses(t, scene, 'another expectation', { token: scene.token, headers: ['Expect: 200-ok'], body: PERMITTED_CALL }, { status: 417 })
  await refuses(t, scene, '100-continue without a token', { headers: ['Expect: 100-continue'], body: PERMITTED_CALL }, { status: 401 })
  const received = await permits(t, scene, '100-continue', { token: scene.token, headers: ['Expect: 100-continue'], body: PERMITTED_CALL })
  t.equal(received.headers.expect, undefined)
})

t.test('a request that is cut off is never forwarded', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { gateway, token, upstream } = scene
  const whole = rawRequest(gateway, { token, body: PERMITTED_CALL })
  const chunked = rawRequest(gateway, { token, headers: ['Transfer-Encoding: chunked'], contentLength: false, body: `${PERMITTED_CALL.length.toString(16)}\r\n${PERMITTED_CALL}\r\n` })
  const contentLength = PERMITTED_CALL.length + 1
  const tooShort = rawRequest(gateway, { token, body: PERMITTED_CALL, contentLength })
  const beginnings = [20, -1, -PERMITTED_CALL.length].map((end) => whole.subarray(0, end))
  for (const bytes of [...beginnings, chunked, tooShort]) {
    const socket = await openSocket(gateway)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.resume()
    socket.end(bytes)
    await closed
  }
  t.same(receivedBy(upstream), [])
  await stillWorks(t, scene)
})
