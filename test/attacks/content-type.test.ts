// A body that is declared as something else than it is, so that the gateway skips its checks or the upstream
// unpacks it. Fell for it: Tyk (TykTechnologies/tyk#8539, `Application/JSON` skipped the MCP checks),
// Pomerium (continues without a policy decision), gateways that inspect a compressed body as it is (peers,
// "Content-Type safe"). It fails here because whatever is posted is a message or is refused, because neither
// another type nor a coding is taken (M1), and because the upstream gets the one type that was checked,
// written by the gateway.
import t from 'tap'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { WireRequest } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'
import { FORBIDDEN_CALL, permits, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

t.test('a body of another type or charset is refused', async (t) => {
  const scene = await startScene(t)
  const types = [
    'text/plain', 'text/json', 'application/json-rpc', 'application/jsonrequest', 'application/vnd.api+json', 'application/x-json', 'application/json5', 'application/x-ndjson', 'application/json-seq',
    'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'multipart/mixed; boundary=application/json', 'application/octet-stream', '*/*', 'application/*',
    'application/json; charset=utf-16', 'application/json; charset=utf-7', 'application/json; charset=iso-8859-1', 'application/json; charset=utf8', 'application/json; charset=""', 'application/json; charset=',
    'application/json; charset=utf-8; charset=utf-16', 'application/json; charset=utf-16; charset=utf-8', 'application/json; charset="utf-8', "application/json; charset='utf-8'", 'application/json; charset=utf-8,utf-16',
    'application/json; charset*=utf-8\'\'utf-16', 'application/json; boundary=x', 'application/json; profile="x; charset=utf-8"', 'application/json;;charset=utf-8', 'application/json charset=utf-8',
    'application/json, text/plain', 'text/plain, application/json', 'application/json/x', 'application /json', 'application/ json', 'json', ';application/json', '"application/json"', 'application/json\x0b', 'application/js\u00f6n', ''
  ]
  for (const type of types) await refuses(t, scene, JSON.stringify(type), { token: scene.token, headers: [`Content-Type: ${type}`], body: PERMITTED_CALL }, { status: type.includes('\x0b') ? 400 : 415 })
  await refuses(t, scene, 'no Content-Type', { token: scene.token, headers: ['Content-Type:'], body: PERMITTED_CALL }, { status: 415 })
  await stillWorks(t, scene)
})

t.test('a body with a content coding is refused, also one that names no coding', async (t) => {
  const scene = await startScene(t)
  const coded: Record<string, Buffer> = { gzip: gzipSync(FORBIDDEN_CALL), 'x-gzip': gzipSync(FORBIDDEN_CALL), deflate: deflateSync(FORBIDDEN_CALL), br: brotliCompressSync(FORBIDDEN_CALL) }
  for (const [coding, body] of Object.entries(coded)) {
    await refuses(t, scene, coding, { token: scene.token, headers: [`Content-Encoding: ${coding}`], body }, { status: 415 })
    await refuses(t, scene, `${coding}, undeclared`, { token: scene.token, body }, { status: 400, code: -32700 })
    await refuses(t, scene, `${coding} as a transfer coding`, { token: scene.token, headers: [`Transfer-Encoding: ${coding}, chunked`], contentLength: false, body: Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]) }, { status: 400 })
  }
  for (const coding of ['GZIP', 'identity', 'aws-chunked', '', 'identity, gzip', 'none']) {
    await refuses(t, scene, `"${coding}" on plain JSON`, { token: scene.token, headers: [`Content-Encoding: ${coding}`], body: PERMITTED_CALL }, { status: 415 })
  }
  await refuses(t, scene, 'after an empty one', { token: scene.token, headers: ['Content-Encoding:', 'Content-Encoding: gzip'], body: gzipSync(FORBIDDEN_CALL) }, { status: 415 })
  await stillWorks(t, scene)
})

t.test('the upstream is told the type that was checked, and no coding, however the client spells the headers', async (t) => {
  const scene = await startScene(t)
  const cases: Array<WireRequest['headers'] & object> = [
    ['Content-Type: APPLICATION/JSON'],
    ['Content-Type: application/json;charset=UTF-8'],
    ['Content-Type: application/json ; charset = "utf-8"'],
    ['Content-Type: application/json', 'Content_Type: application/x-www-form-urlencoded', 'Content_Encoding: deflate', 'content.encoding: gzip'],
    ['Content-Type: application/json', 'Connection: content-type, close']
  ]
  for (const headers of cases) {
    const received = await permits(t, scene, headers.join(' | '), { token: scene.token, headers, body: PERMITTED_CALL })
    const described = received.rawHeaders.filter((_, index) => index % 2 === 0).filter((name) => /^content.(type|encoding|length)$/i.test(name)).map((name) => name.toLowerCase()).sort()
    t.same(described, ['content-length', 'content-type'])
    t.equal(received.headers['content-type'], 'application/json')
  }
})

t.test('M1: of two Content-Type headers none is believed', async (t) => {
  const scene = await startScene(t)
  for (const headers of [['Content-Type: application/json', 'Content-Type: text/plain'], ['Content-Type: text/plain', 'Content-Type: application/json'], ['Content-Type: application/json', 'content-type: application/json']]) {
    await refuses(t, scene, headers.join(' | '), { token: scene.token, headers, body: PERMITTED_CALL }, { status: 415 })
  }
  await stillWorks(t, scene)
})
