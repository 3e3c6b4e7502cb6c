// DNS rebinding and host confusion: a page on a name that now resolves to 127.0.0.1 talks to the gateway as
// if it were its own server; or the gateway, a proxy before it and the upstream each go by another host. Fell
// for it: the MCP SDKs and inspectors on localhost (CVE-2025-66414, CVE-2025-66416, CVE-2025-49596), FastMCP
// (#4405); neither reference set-up checks Origin (pitfalls 30). It fails here because Origin and Host are
// checked before credentials (C1, C1a), and no URL is made from either (R6).
import t from 'tap'
import { rawRequest, sendRaw } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

t.test('a foreign Origin is refused even with a good token', async (t) => {
  const scene = await startScene(t)
  const { host } = new URL(scene.gateway.origin)
  const origins = [
    'http://evil.example', 'null', '', 'http://', 'file://', `http://${host}.evil.example`, `http://evil.example/${host}`, `http://${host}@evil.example`, `https://${host}`, `HTTP://${host}`, `http://${host}/`,
    `http://${host}:80`, 'http://127.0.0.1', 'http://localhost', `http://0.0.0.0:${new URL(scene.gateway.origin).port}`, `http://2130706433:${new URL(scene.gateway.origin).port}`, `http://${host}, http://evil.example`, `http://evil.example http://${host}`
  ]
  for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS']) {
    for (const origin of origins) {
      await refuses(t, scene, `${method} from ${origin}`, { method, token: scene.token, headers: [`Origin: ${origin}`], ...(method === 'POST' ? { body: PERMITTED_CALL } : {}) }, { status: 403 })
    }
  }
  await refuses(t, scene, 'two Origins', { token: scene.token, headers: [`Origin: http://${host}`, 'Origin: http://evil.example'], body: PERMITTED_CALL }, { status: 403 })
  const received = await permits(t, scene, 'its own Origin', { token: scene.token, headers: [`Origin: http://${host}`], body: PERMITTED_CALL })
  t.equal(received.headers.origin, undefined)
})

t.test('C1a: a Host that is not this machine is refused on a loopback resource', async (t) => {
  const scene = await startScene(t)
  const { host, port } = new URL(scene.gateway.origin)
  const hosts = ['evil.example', `evil.example:${port}`, `127.0.0.1.evil.example:${port}`, `evil.example:80@${host}`, `${host}@evil.example`, `0.0.0.0:${port}`, '127.1', '2130706433', '0x7f000001', 'localhost.evil.example', 'localhost.', `${host},evil.example`, `${host} evil.example`, '169.254.169.254', '', '[::ffff:127.0.0.1]', '127.0.0.1:99999999']
  for (const name of hosts) {
    await refuses(t, scene, `Host: ${name}`, { token: scene.token, headers: [`Host: ${name}`], body: PERMITTED_CALL }, { status: 421 })
  }
  t.same((await sendRaw(scene.gateway, `POST /mcp HTTP/1.0\r\nAuthorization: Bearer ${scene.token}\r\nContent-Type: application/json\r\nContent-Length: ${PERMITTED_CALL.length}\r\n\r\n${PERMITTED_CALL}`)).statuses, [421], 'HTTP/1.0 without Host')
  t.same((await sendRaw(scene.gateway, 'GET /mcp HTTP/1.1\r\n\r\n')).statuses, [400], 'HTTP/1.1 without Host')
  await stillWorks(t, scene)
})

t.test('C1a: two Host headers are refused, whichever comes first', async (t) => {
  const scene = await startScene(t)
  const { host } = new URL(scene.gateway.origin)
  for (const headers of [[`Host: ${host}`, 'Host: evil.example'], [`Host: ${host}`, `host: ${host}`], [`Host: ${host}`, 'X-A: b', 'HOST: evil.example']]) {
    await refuses(t, scene, headers.join(' | '), { token: scene.token, headers, body: PERMITTED_CALL }, { status: 400 })
    await refuses(t, scene, headers.join(' | '), { method: 'GET', token: scene.token, headers }, { status: 400 })
  }
  await refuses(t, scene, 'a foreign one first', { token: scene.token, headers: ['Host: evil.example', `Host: ${host}`], body: PERMITTED_CALL }, { status: 400 })
  await stillWorks(t, scene)
})

t.test('R6: no header of the client changes a URL that the gateway gives out, or reaches the upstream as a fact', async (t) => {
  const scene = await startScene(t)
  const { gateway } = scene
  const lies = ['Forwarded: host=evil.example;proto=https', 'X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https', 'X-Forwarded-Port: 444', 'X-Forwarded-Prefix: /evil', 'X-Forwarded-Server: evil.example', 'X-Forwarded-For: 10.0.0.1', 'X-Forwarded: for=evil.example', 'X_Forwarded_Host: evil.example', 'X-Original-URL: /health', 'X-Original-Host: evil.example', 'X-Rewrite-URL: /health', 'X-Host: evil.example', 'X-HTTP-Host-Override: evil.example', 'X-Real-IP: 127.0.0.1', 'Via: 1.1 evil.example']
  const refused = await sendRaw(gateway, rawRequest(gateway, { headers: lies, body: PERMITTED_CALL }))
  t.same(refused.statuses, [401])
  t.match(refused.text, `resource_metadata="${gateway.origin}/.well-known/oauth-protected-resource/mcp"`)
  t.notMatch(refused.text, 'evil')
  const document = await sendRaw(gateway, rawRequest(gateway, { method: 'GET', target: '/.well-known/oauth-protected-resource/mcp', headers: ['Host: evil.example', ...lies] }))
  t.same(document.statuses, [200])
  t.match(document.text, `"resource":"${gateway.resource}"`)
  t.notMatch(document.text, 'evil')
  const received = await permits(t, scene, 'a call with all of them', { token: scene.token, headers: lies, body: PERMITTED_CALL })
  t.equal(received.headers.host, new URL(scene.upstream.origin).host)
  t.same(received.rawHeaders.filter((name) => /forwarded|original|rewrite|real.ip|via/i.test(name)), [])
})

t.test('a resource that is not on a loopback host checks the hosts it is told to', async (t) => {
  const scene = await startScene(t, { config: { hosts: ['mcp.example'] } })
  await refuses(t, scene, 'another host', { token: scene.token, headers: ['Host: other.example'], body: PERMITTED_CALL }, { status: 421 })
  await permits(t, scene, 'a listed host', { token: scene.token, headers: ['Host: MCP.example'], body: PERMITTED_CALL })
})
