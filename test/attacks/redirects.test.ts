// The upstream, or somebody who can make it redirect, sends the gateway to another party: an inner address, a
// cloud's metadata service, a stranger who would receive the call and the identity. Fell for it: FastMCP
// (CVE-2026-32871, #4400 and #4426: SSRF), HTTP clients that follow with credentials (CVE-2022-0155 in
// follow-redirects, CVE-2023-45143 in undici). It fails here because a redirect is followed only to the same
// upstream, with the same method and body, a few times, and no other address is ever connected to (F8).
import t from 'tap'
import type { ServerResponse } from 'node:http'
import { sendOne } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { startUpstream } from '../helpers/upstream.js'
import { PERMITTED_CALL, receivedBy, stillWorks } from './assertions.js'

const REQUESTS = [{ method: 'POST', body: PERMITTED_CALL }, { method: 'GET' }, { method: 'DELETE' }]

function answerEmpty (response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":1,"result":{}}')
}

t.test('F8: a redirect to another party is not followed, and its address is not told', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { gateway, token, upstream } = scene
  const stranger = await startUpstream(t)
  const { host, port } = new URL(upstream.origin)
  const strangersHost = new URL(stranger.origin).host
  const locations = [
    `${stranger.origin}/mcp`, `//${strangersHost}/mcp`, `\\\\${strangersHost}\\mcp`, `/\\${strangersHost}/mcp`, `https:${strangersHost}`, `http://${host}@${strangersHost}/mcp`, `http://${strangersHost}#@${host}/`, `http://${strangersHost}?@${host}`, `http://${host}.evil.example/`, `http://localhost:${port}/mcp`, `http://127.1:${Number(port) + 1}/`,
    'http://169.254.169.254/latest/meta-data/', 'http://[::1]/', 'http://[::ffff:169.254.169.254]/', 'file:///etc/passwd', 'ftp://evil.example/', 'gopher://evil.example/', 'data:application/json,{}', 'javascript:alert(1)', 'http://', 'http:///', '', 'http://%zz/', 'x:y', '\t//evil.example'
  ]
  for (const location of locations) {
    for (const status of [302, 307]) {
      for (const request of REQUESTS) {
        upstream.answer = (incoming, response) => incoming.url === '/mcp' ? response.writeHead(status, { location }).end('moved') : answerEmpty(response)
        upstream.received.length = 0
        const { statuses, text } = await sendOne(gateway, { ...request, token })
        const title = `${request.method}, ${status} to ${JSON.stringify(location)}`
        const isHere = location === '' // the empty reference is the same document, so this one is a loop
        t.same(statuses, [502], title)
        t.notMatch(text, /evil|169\.254|location: /i, title)
        t.notOk(text.includes(strangersHost), `${title}: the address is not told`)
        if (!isHere) t.equal(upstream.received.length, 1, title)
        else t.ok(upstream.received.length <= 4, title)
      }
    }
  }
  t.same(receivedBy(stranger), [])
  upstream.answer = (_incoming, response) => answerEmpty(response)
  await stillWorks(t, scene)
})

t.test('a redirect that would change method or body is not followed', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { gateway, token, upstream } = scene
  for (const status of [300, 301, 302, 303, 305, 306]) {
    for (const request of REQUESTS) {
      upstream.answer = (incoming, response) => incoming.url === '/mcp' ? response.writeHead(status, { location: '/mcp/' }).end() : answerEmpty(response)
      t.same((await sendOne(gateway, { ...request, token })).statuses, [502], `${request.method}, ${status}`)
    }
  }
  t.same(new Set(upstream.received.map(({ url }) => url)), new Set(['/mcp']))
})

t.test('F8: a redirect that is followed keeps the bytes, the method and the identity, and takes no credentials along', async (t) => {
  const { gateway, token, upstream } = await startScene(t, { upstreamPath: '/mcp' })
  for (const request of REQUESTS) {
    for (const location of ['/mcp/', `${upstream.origin}/mcp/`, './mcp/', '?x=y', 'x/y?z']) {
      upstream.received.length = 0
      upstream.answer = (incoming, response) => incoming.url === '/mcp' ? response.writeHead(307, { location }).end() : answerEmpty(response)
      t.same((await sendOne(gateway, { ...request, token, headers: ['Cookie: a=b'] })).statuses, [200], `${request.method} to ${location}`)
      const [first, second] = upstream.received
      t.equal(second?.method, request.method)
      t.same(second?.body, first?.body)
      t.equal(second?.headers['x-postern-subject'], 'alice')
      t.equal(second?.headers.authorization, undefined)
      t.equal(second?.headers.cookie, undefined)
    }
  }
})

t.test('redirects without end, and to paths that are none, end in a refusal', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp' })
  const { gateway, token, upstream } = scene
  const locations = ['/mcp', '/mcp/%', '/mcp/%zz', '/mcp/%ff', '/mcp/%c0%ae', '/x/..%2f..%2fy', '/..//evil.example/', '/.//evil.example/', '//', '/a../b', '/%2e%2e/x', '/x\\y', '/x y', '/\u00e9', `/${'x'.repeat(8000)}`]
  for (const location of locations) {
    for (const request of REQUESTS) {
      upstream.received.length = 0
      upstream.answer = (_incoming, response) => { response.writeHead(307, { location }).end() }
      const { statuses } = await sendOne(gateway, { ...request, token })
      t.match(statuses, [/^50[02]$/], `${request.method} to ${JSON.stringify(location.slice(0, 40))}: ${statuses}`)
      t.ok(upstream.received.length <= 4, `${upstream.received.length} requests`)
    }
  }
  upstream.answer = (_incoming, response) => answerEmpty(response)
  await stillWorks(t, scene)
})

t.test('the client\'s Host makes no other host the same one', async (t) => {
  const scene = await startScene(t, { upstreamPath: '/mcp', config: { preserveHost: true, hosts: ['evil.example'] } })
  const { gateway, token, upstream } = scene
  const stranger = await startUpstream(t)
  upstream.answer = (incoming, response) => incoming.url === '/mcp' ? response.writeHead(307, { location: `http://${incoming.headers.host}/elsewhere` }).end() : answerEmpty(response)
  t.same((await sendOne(gateway, { token, headers: ['Host: evil.example'], body: PERMITTED_CALL })).statuses, [200])
  t.same(receivedBy(upstream), ['POST /mcp', 'POST /elsewhere'], 'the same upstream, whatever it was called')
  t.same(receivedBy(stranger), [])
})
