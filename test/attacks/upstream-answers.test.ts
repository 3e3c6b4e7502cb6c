// An upstream that was taken over, or only misbehaves, attacks through its response: it asks for the
// client's credentials, speaks in the gateway's name, splits its response in two, or sends what cannot be
// sent on. Fell for it: proxies that pass on WWW-Authenticate (clients log in to the wrong party, F7),
// response splitting and queue poisoning (CVE-2019-18277 and its kind), undici (CVE-2022-35948). It fails
// here because a response is parsed strictly, its head is built anew, and a connection that said too much is
// closed.
import t from 'tap'
import type { Socket } from 'node:net'
import { startGateway } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { sendOne, startRawUpstream, type WireRequest } from '../helpers/raw-http.js'
import { PERMITTED_CALL } from './assertions.js'

const RESULT = '{"jsonrpc":"2.0","id":1,"result":{}}'
const OK = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${RESULT.length}\r\n\r\n${RESULT}`

const head = (...lines: string[]): string => ['HTTP/1.1 200 OK', 'Content-Type: application/json', ...lines, '', ''].join('\r\n')

/** What the upstream writes, and the status that the client gets. */
const RESPONSES: Readonly<Record<string, readonly [response: string, status: number | undefined]>> = {
  'in order': [OK, 200],
  nothing: ['', 502],
  'no HTTP': ['SSH-2.0-OpenSSH_9.6\r\n', 502],
  'HTTP/0.9': [RESULT, 502],
  'half a head': ['HTTP/1.1 200 OK\r\nContent-Ty', 502],
  'a status of two digits': ['HTTP/1.1 20 OK\r\n\r\n', 502],
  'a status of four digits': ['HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n', 502],
  'the status 101': ['HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n', 502],
  '401 with a challenge': ['HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer resource_metadata="https://evil.example"\r\nContent-Length: 0\r\n\r\n', 502],
  403: ['HTTP/1.1 403 Forbidden\r\nWWW-Authenticate: Bearer scope="evil"\r\nContent-Length: 0\r\n\r\n', 502],
  '407 with a challenge': ['HTTP/1.1 407 X\r\nProxy-Authenticate: Basic realm="evil"\r\nContent-Length: 0\r\n\r\n', 502],
  'two lengths': [head('Content-Length: 2', `Content-Length: ${RESULT.length}`) + RESULT, 502],
  'a length and chunks': [head('Content-Length: 2', 'Transfer-Encoding: chunked') + '2\r\n{}\r\n0\r\n\r\n', 502],
  'an unknown transfer coding, so that it ends with the connection (RFC 9112 §6.3)': [head('Transfer-Encoding: chunked, x') + RESULT, 200],
  'a negative length': [head('Content-Length: -1') + RESULT, 502],
  'a space before a colon': [head(`Content-Length : ${RESULT.length}`) + RESULT, 502],
  'a NUL in a header': [head('X-A: a\0b', `Content-Length: ${RESULT.length}`) + RESULT, 502],
  'a head without end': [`HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(20_000)}`, 502],
  'interim responses': [`HTTP/1.1 103 Early Hints\r\nLink: </evil>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}`, 200],
  'bytes beyond ASCII in a header': [head('X-A: \u00c3\u00a9\u00ff', `Content-Length: ${RESULT.length}`) + RESULT, 200],
  'an odd session id': [head('Mcp-Session-Id: \u00ff,;"', `Content-Length: ${RESULT.length}`) + RESULT, 200],
  'a reason phrase': [`HTTP/1.1 200 <script>\r\nContent-Type: application/json\r\nContent-Length: ${RESULT.length}\r\n\r\n${RESULT}`, 200],
  'the status 599': [`HTTP/1.1 599 X\r\nContent-Type: application/json\r\nContent-Length: ${RESULT.length}\r\n\r\n${RESULT}`, 599],
  'a go-ahead for nothing': ['HTTP/1.1 100 Continue\r\n\r\n', 502]
}

t.test('whatever the upstream answers, the client gets one whole response, and the next call works', async (t) => {
  let response = ''
  const issuer = await startIssuer(t)
  const upstream = await startRawUpstream(t, (socket: Socket) => {
    socket.write(response, 'latin1')
    if (response !== OK) socket.end()
  })
  const gateway = await startGateway(t, { upstream: `${upstream.origin}/mcp`, issuer: issuer.issuer })
  const token = await issuer.token({ aud: gateway.resource })
  const requests: WireRequest[] = [{ method: 'POST', body: PERMITTED_CALL }, { method: 'GET' }, { method: 'DELETE' }]
  for (const [name, [bytes, status]] of Object.entries(RESPONSES)) {
    for (const request of requests) {
      response = bytes
      const { statuses, text } = await sendOne(gateway, { ...request, token })
      t.same(statuses, [status], `${request.method}: ${name}`)
      t.notMatch(text, /evil|www-authenticate|proxy-authenticate|\r\nHTTP|<script>/i)
    }
    response = OK
    t.same((await sendOne(gateway, { token, body: PERMITTED_CALL })).statuses, [200], `after ${name}`)
  }
})

t.test('a status that is none is refused, or passed on as it is, and nothing breaks', async (t) => {
  const issuer = await startIssuer(t)
  let status = 600
  const upstream = await startRawUpstream(t, (socket: Socket) => { socket.end(OK.replace('200', String(status))) })
  const gateway = await startGateway(t, { upstream: `${upstream.origin}/mcp`, issuer: issuer.issuer })
  const token = await issuer.token({ aud: gateway.resource })
  for (status of [600, 999, 200]) {
    for (const request of [{ body: PERMITTED_CALL }, { method: 'GET' }, { method: 'DELETE' }]) {
      const { statuses } = await sendOne(gateway, { ...request, token })
      t.equal(statuses.length, 1)
      t.ok(statuses[0] === status || statuses[0] === 502, `${request.method ?? 'POST'} ${status}: ${statuses}`)
    }
  }
})

t.test('what follows a response on its connection is nobody\'s response', async (t) => {
  const forged = RESULT.replace('{}', '{"forged":true}')
  const second = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${forged.length}\r\n\r\n${forged}`
  let response = OK + second
  const issuer = await startIssuer(t)
  const upstream = await startRawUpstream(t, (socket: Socket) => { socket.write(response) })
  const gateway = await startGateway(t, { upstream: `${upstream.origin}/mcp`, issuer: issuer.issuer })
  const token = await issuer.token({ aud: gateway.resource })
  for (const bytes of [OK + second, OK + second.slice(0, 20), OK + 'x', `HTTP/1.1 204 No Content\r\n\r\n${second}`, `HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n${second}`, `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n${second}`]) {
    response = bytes
    await sendOne(gateway, { token, body: PERMITTED_CALL })
    await sendOne(gateway, { method: 'HEAD', token })
    response = OK
    const { text } = await sendOne(gateway, { token, body: PERMITTED_CALL })
    t.notMatch(text, 'forged', JSON.stringify(bytes.slice(0, 40)))
  }
})

t.test('a response that breaks off is not made whole', async (t) => {
  const issuer = await startIssuer(t)
  let response = ''
  const upstream = await startRawUpstream(t, (socket: Socket) => { socket.end(response) })
  const gateway = await startGateway(t, { upstream: `${upstream.origin}/mcp`, issuer: issuer.issuer })
  const token = await issuer.token({ aud: gateway.resource })
  for (const bytes of [OK.slice(0, -1), head('Transfer-Encoding: chunked') + `5\r\n${RESULT.slice(0, 5)}\r\n`, head('Transfer-Encoding: chunked') + 'zz\r\n']) {
    response = bytes
    for (const request of [{ body: PERMITTED_CALL }, { method: 'GET' }]) {
      const { text } = await sendOne(gateway, { ...request, token })
      t.notMatch(text, /\r\n0\r\n\r\n$/, 'no end is written')
      t.notMatch(text, RESULT)
    }
  }
})
