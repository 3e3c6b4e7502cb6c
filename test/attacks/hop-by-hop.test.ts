// Hop-by-hop headers: `Connection` names a header that the gateway sets or has checked, so that it, or a
// proxy behind it, takes that header away; or a header of the connection travels on and changes how the next
// one is read. Fell for it: Apache httpd (CVE-2022-31813), Traefik (CVE-2024-45410), Fabio (CVE-2025-48865),
// @fastify/reply-from before 12.6.2: proxies that set their headers first and obey `Connection` afterwards.
// It fails here because what the gateway sets is set last, and Mcp headers cannot be named (M5).
import t from 'tap'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

t.test('F1: Connection cannot take away what the gateway tells the upstream', async (t) => {
  const scene = await startScene(t, { config: { upstreamHeaders: { 'X-Api-Key': 'the operator\'s' } } })
  for (const value of ['authorization', 'x-postern-subject', 'X-Postern-Subject, X-Postern-Scopes,x-postern-issuer , x-postern-client-id', 'x-api-key', 'host', 'content-type', 'content-length', 'close, x-api-key', 'keep-alive,, ,host', '*']) {
    const received = await permits(t, scene, `Connection: ${value}`, { token: scene.token, headers: [`Connection: ${value}`, 'X-Api-Key: the client\'s'], body: PERMITTED_CALL })
    t.match(received.headers, {
      host: new URL(scene.upstream.origin).host,
      'content-type': 'application/json',
      'content-length': String(PERMITTED_CALL.length),
      'x-api-key': 'the operator\'s',
      'x-postern-subject': 'alice',
      'x-postern-client-id': 'client-1',
      'x-postern-scopes': 'todo:read todo:write'
    })
    t.equal(received.headers.authorization, undefined)
  }
})

t.test('F1: what Connection names, and what belongs to a connection, is not sent on', async (t) => {
  const scene = await startScene(t)
  const hops = ['Keep-Alive: timeout=9', 'TE: trailers', 'Trailer: X-T', 'Upgrade: websocket', 'Proxy-Connection: keep-alive', 'Proxy-Authorization: Basic x', 'Proxy-Authenticate: Basic', 'Proxy: http://evil.example', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA', 'X-Private: 1']
  const received = await permits(t, scene, 'a call', { token: scene.token, headers: ['Connection: X-Private, Upgrade, HTTP2-Settings, TE', ...hops], body: PERMITTED_CALL })
  const names = received.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
  t.same(names.filter((name) => hops.some((line) => line.toLowerCase().startsWith(`${name}:`))), [])
  const stream = await permits(t, scene, 'a stream', { method: 'GET', token: scene.token, headers: ['Connection: X-Private, X-Postern-Subject', ...hops] })
  t.equal(stream.headers['x-private'], undefined)
  t.equal(stream.headers['x-postern-subject'], 'alice')
})

t.test('Connection cannot take away an Mcp header that was compared with the body', async (t) => {
  const scene = await startScene(t)
  for (const name of ['Mcp-Name', 'Mcp-Method', 'MCP-Protocol-Version', 'mcp_name', 'Mcp-Param-X']) {
    await refuses(t, scene, name, { token: scene.token, headers: [`Connection: close, ${name}`, 'Mcp-Method: tools/call', 'Mcp-Name: list_todos'], body: PERMITTED_CALL }, { status: 400, code: -32020 })
  }
  await stillWorks(t, scene)
})

t.test('what belongs to the upstream\'s connection, and what only the gateway may say, does not reach the client', async (t) => {
  const scene = await startScene(t)
  scene.upstream.answer = (_request, response) => {
    response.writeHead(200, {
      'content-type': 'application/json',
      connection: 'X-Inner, close',
      'x-inner': '1',
      'keep-alive': 'timeout=5',
      upgrade: 'h2c',
      'proxy-authenticate': 'Basic',
      'www-authenticate': 'Bearer realm="inner"',
      'set-cookie': 'a=b',
      'access-control-allow-origin': 'https://evil.example',
      'access-control-allow-credentials': 'true',
      'x-postern-subject': 'root',
      'strict-transport-security': 'max-age=1',
      'alt-svc': 'h3=":443"',
      'x-request-id': 'inner',
      'x-kept': '1'
    }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
  }
  const response = await scene.gateway.post(scene.token, PERMITTED_CALL)
  const names = [...response.headers.keys()]
  t.same(names.filter((name) => /^(x-inner|upgrade|proxy-|www-auth|set-cookie|access-control-allow|x-postern|strict|alt-svc)/.test(name)), [])
  t.not(response.headers.get('x-request-id'), 'inner')
  t.equal(response.headers.get('x-kept'), '1')
})
