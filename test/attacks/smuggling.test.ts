// Request smuggling: one sequence of bytes that two servers cut into requests differently, so that the second
// request of one of them travels inside the first of the other (RFC 9112 §11.2; CVE-2022-35256,
// CVE-2023-30589, CVE-2024-27982 in Node, CVE-2019-18277 in HAProxy, CVE-2025-55315 in Kestrel). It fails
// here because node's parser runs strict, whatever the flags of the process, because a body is read whole and
// sent on with a length of its own, and because every request on a connection brings its own credentials.
import t from 'tap'
import { rawRequest, sendRaw } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { FORBIDDEN_CALL, PERMITTED_CALL, receivedBy, stillWorks } from './assertions.js'

const SMUGGLED = (token: string): string => 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n' +
  `Authorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${FORBIDDEN_CALL.length}\r\n\r\n${FORBIDDEN_CALL}`

const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

t.test('bytes that two parsers would cut differently are refused, and nothing of them is forwarded', async (t) => {
  const scene = await startScene(t)
  const { gateway, token, upstream } = scene
  const inner = SMUGGLED(token)
  const whole = chunk(PERMITTED_CALL) + '0\r\n\r\n'
  const attacks: Record<string, { headers: string[], body: string }> = {
    'CL.TE': { headers: [`Content-Length: ${whole.length + inner.length}`, 'Transfer-Encoding: chunked'], body: whole + inner },
    'TE.CL': { headers: ['Transfer-Encoding: chunked', 'Content-Length: 4'], body: chunk(inner) + '0\r\n\r\n' },
    'TE.TE, second unknown': { headers: ['Transfer-Encoding: chunked', 'Transfer-Encoding: x'], body: whole + inner },
    'TE.TE, first unknown, in one header': { headers: ['Transfer-Encoding: x, chunked, identity'], body: whole + inner },
    'identity after chunked': { headers: ['Transfer-Encoding: chunked, identity'], body: whole + inner },
    'chunked with a trailing junk character': { headers: ['Transfer-Encoding: chunkedx'], body: whole + inner },
    'chunked in quotes': { headers: ['Transfer-Encoding: "chunked"'], body: whole + inner },
    'chunked after a vertical tab': { headers: ['Transfer-Encoding: \x0bchunked'], body: whole + inner },
    'space before the colon': { headers: ['Transfer-Encoding : chunked', `Content-Length: ${whole.length + inner.length}`], body: whole + inner },
    'tab before the colon': { headers: ['Transfer-Encoding\t: chunked'], body: whole + inner },
    'space before the name': { headers: ['X-A: b', ' Transfer-Encoding: chunked', `Content-Length: ${whole.length + inner.length}`], body: whole + inner },
    'folded Transfer-Encoding': { headers: ['Transfer-Encoding:\r\n chunked', 'Content-Length: 6'], body: whole + inner },
    'NUL in the name': { headers: ['Transfer-Encoding\0: chunked', 'Content-Length: 6'], body: whole + inner },
    'NUL in the value': { headers: ['Transfer-Encoding: chunked\0', 'Content-Length: 6'], body: whole + inner },
    'two lengths that differ': { headers: [`Content-Length: ${PERMITTED_CALL.length}`, `Content-Length: ${PERMITTED_CALL.length + inner.length}`], body: PERMITTED_CALL + inner },
    'two lengths that agree': { headers: [`Content-Length: ${PERMITTED_CALL.length}`, `Content-Length: ${PERMITTED_CALL.length}`], body: PERMITTED_CALL + inner },
    'a list of lengths': { headers: [`Content-Length: ${PERMITTED_CALL.length}, ${PERMITTED_CALL.length}`], body: PERMITTED_CALL + inner },
    'a signed length': { headers: [`Content-Length: +${PERMITTED_CALL.length}`], body: PERMITTED_CALL + inner },
    'a negative length': { headers: ['Content-Length: -1'], body: PERMITTED_CALL + inner },
    'a hexadecimal length': { headers: ['Content-Length: 0x10'], body: PERMITTED_CALL + inner },
    'a length beyond 64 bits': { headers: ['Content-Length: 18446744073709551617'], body: PERMITTED_CALL + inner },
    'a length with a space in it': { headers: ['Content-Length: 1 0'], body: PERMITTED_CALL + inner },
    'an underscore instead of the hyphen': { headers: ['Content_Length: 3', 'Transfer_Encoding: chunked', 'Content-Length: 0'], body: '' },
    'chunk size beyond 64 bits': { headers: ['Transfer-Encoding: chunked'], body: `10000000000000000${PERMITTED_CALL.length.toString(16)}\r\n${PERMITTED_CALL}\r\n0\r\n\r\n${inner}` },
    'chunk size with 0x': { headers: ['Transfer-Encoding: chunked'], body: `0x${PERMITTED_CALL.length.toString(16)}\r\n${PERMITTED_CALL}\r\n0\r\n\r\n${inner}` },
    'chunk size with a sign': { headers: ['Transfer-Encoding: chunked'], body: `+${PERMITTED_CALL.length.toString(16)}\r\n${PERMITTED_CALL}\r\n0\r\n\r\n${inner}` },
    'chunk size with a space': { headers: ['Transfer-Encoding: chunked'], body: ` ${PERMITTED_CALL.length.toString(16)}\r\n${PERMITTED_CALL}\r\n0\r\n\r\n${inner}` },
    'chunk size of no digits': { headers: ['Transfer-Encoding: chunked'], body: `\r\n${PERMITTED_CALL}\r\n0\r\n\r\n${inner}` },
    'chunk longer than its size': { headers: ['Transfer-Encoding: chunked'], body: `5\r\n${PERMITTED_CALL}\r\n0\r\n\r\n${inner}` },
    'chunk ended by a bare LF': { headers: ['Transfer-Encoding: chunked'], body: `${PERMITTED_CALL.length.toString(16)}\r\n${PERMITTED_CALL}\n0\r\n\r\n${inner}` },
    'chunk size ended by a bare LF': { headers: ['Transfer-Encoding: chunked'], body: `${PERMITTED_CALL.length.toString(16)}\n${PERMITTED_CALL}\r\n0\r\n\r\n${inner}` },
    'chunk extension ended by a bare LF (CVE-2025-55315)': { headers: ['Transfer-Encoding: chunked'], body: `${PERMITTED_CALL.length.toString(16)};a\n${PERMITTED_CALL}\r\n0\r\n\r\n${inner}` },
    'chunk extension ended by a bare CR': { headers: ['Transfer-Encoding: chunked'], body: `${PERMITTED_CALL.length.toString(16)};a\rb\r\n${PERMITTED_CALL}\r\n0\r\n\r\n${inner}` }
  }
  for (const [name, { headers, body }] of Object.entries(attacks)) {
    const { statuses } = await sendRaw(
      gateway, rawRequest(gateway, { token, headers, body, contentLength: false })
    )
    t.same(statuses, [400], name)
  }
  t.same(receivedBy(upstream), [])
  await stillWorks(t, scene)
})

t.test('a header line that is folded, or ended by less than CR LF, is refused', async (t) => {
  const scene = await startScene(t)
  const { gateway, token, upstream } = scene
  for (const line of ['X-A: b\n', 'X-A: b\r', 'X-A: b\r\n c: d', 'X-A: b\r\n\tc', 'X-A: b\0c', 'X-A: b\x7fc', 'X-A', ': b', 'X A: b', '\u00e9: b', 'X-A: b\r\n: c', '(x): y']) {
    const { statuses } = await sendRaw(
      gateway, rawRequest(gateway, { token, headers: [line], body: PERMITTED_CALL })
    )
    t.same(statuses, [400], JSON.stringify(line))
  }
  const bareLineFeeds = rawRequest(gateway, { token, body: PERMITTED_CALL }).toString('latin1').replaceAll('\r\n', '\n')
  t.same((await sendRaw(gateway, bareLineFeeds)).statuses, [400], 'all lines ended by LF')
  t.same(receivedBy(upstream), [])
  await stillWorks(t, scene)
})

t.test('what follows a refused request on its connection is not believed because of it', async (t) => {
  const scene = await startScene(t)
  const { gateway, token, upstream } = scene
  const anonymous = rawRequest(gateway, { body: PERMITTED_CALL })
  const permitted = rawRequest(gateway, { token, body: PERMITTED_CALL })
  t.same((await sendRaw(gateway, [permitted, anonymous], 2)).statuses, [200, 401], 'credentials are not remembered for the connection')
  t.same((await sendRaw(gateway, [anonymous, permitted], 2)).statuses, [401, 200])
  t.equal(upstream.received.length, 2)

  const inBody = SMUGGLED(token)
  t.same((await sendRaw(gateway, rawRequest(gateway, { body: inBody }))).statuses, [401], 'the unread body of a refused request is no request')
  t.same((await sendRaw(gateway, rawRequest(gateway, { method: 'GET', token, headers: [`Content-Length: ${inBody.length}`], contentLength: false, body: inBody }))).statuses, [400], 'nor is the body of a GET')
  t.same((await sendRaw(gateway, rawRequest(gateway, { method: 'DELETE', token, headers: ['Transfer-Encoding: chunked'], contentLength: false, body: chunk(inBody) + '0\r\n\r\n' }))).statuses, [400], 'nor is that of a DELETE')
  t.same((await sendRaw(gateway, rawRequest(gateway, { method: 'PUT', token, body: inBody }))).statuses, [405], 'nor is that of an unknown method')
  t.same((await sendRaw(gateway, rawRequest(gateway, { target: '/health', body: inBody }))).statuses, [404], 'nor is that of a public path')
  t.equal(upstream.received.length, 2)
  await stillWorks(t, scene)
})

t.test('a chunked body reaches the upstream as one body with one length, without extensions and trailers', async (t) => {
  const scene = await startScene(t)
  const { gateway, token, upstream } = scene
  const [start, end] = [PERMITTED_CALL.slice(0, 10), PERMITTED_CALL.slice(10)]
  const body = `${start.length.toString(16)};name="va;lue";x\r\n${start}\r\n000${end.length.toString(16).toUpperCase()}\r\n${end}\r\n0\r\nAuthorization: Bearer x\r\nX-Postern-Subject: root\r\nMcp-Name: other\r\n\r\n`
  const { statuses } = await sendRaw(gateway, rawRequest(gateway, { token, headers: ['Transfer-Encoding: chunked', 'Trailer: X-Postern-Subject'], contentLength: false, body }))
  t.same(statuses, [200])
  const received = upstream.received[0]
  t.equal(received?.body.toString(), PERMITTED_CALL)
  t.equal(received?.headers['content-length'], String(PERMITTED_CALL.length))
  t.equal(received?.headers['transfer-encoding'], undefined)
  t.equal(received?.headers['trailer'], undefined)
  t.equal(received?.headers['x-postern-subject'], 'alice')
  t.equal(received?.headers['mcp-name'], undefined)
})

t.test('chunk extensions cannot be used to send without end (CVE-2024-22019)', async (t) => {
  const scene = await startScene(t)
  const { gateway, token, upstream } = scene
  const { statuses } = await sendRaw(gateway, rawRequest(gateway, { token, headers: ['Transfer-Encoding: chunked'], contentLength: false, body: `1;${'x'.repeat(100_000)}\r\n{\r\n0\r\n\r\n` }))
  t.same(statuses, [413])
  t.same(receivedBy(upstream), [])
  await stillWorks(t, scene)
})
