// Headers without end, or with odd names: node drops what comes after the 2000th header without a word, so
// that a second Authorization, an Origin or a coding behind 2000 others is not seen by whoever checks them.
// Fell for it: nobody is known to; it is node's documented `maxHeadersCount`, in front of any check that
// reads headers. It fails here because headers are limited by their size alone, and beyond that the request
// is refused whole.
import t from 'tap'
import { startScene } from '../helpers/scene.js'
import { permits, PERMITTED_CALL, refuses, stillWorks } from './assertions.js'

const MANY = Array.from({ length: 2500 }, (_, index) => `${index.toString(36)}:`)

t.test('F1: a header behind thousands of others is seen, and those of the gateway stand before them', async (t) => {
  const scene = await startScene(t)
  const { token } = scene
  const call = { token, body: PERMITTED_CALL }
  await refuses(t, scene, 'a second Authorization', { ...call, headers: [...MANY, `Authorization: Bearer ${token}`] }, { status: 400 })
  await refuses(t, scene, 'a foreign Origin', { ...call, headers: [...MANY, 'Origin: http://evil.example'] }, { status: 403 })
  await refuses(t, scene, 'a second Host', { ...call, headers: [`Host: ${new URL(scene.gateway.origin).host}`, ...MANY, 'Host: evil.example'] }, { status: 400 })
  await refuses(t, scene, 'a coding', { ...call, headers: [...MANY, 'Content-Encoding: gzip'] }, { status: 415 })
  await refuses(t, scene, 'a second type', { ...call, headers: [...MANY, 'Content-Type: text/plain'] }, { status: 415 })
  await refuses(t, scene, 'a name that is not the body\'s', { ...call, headers: [...MANY, 'Mcp-Name: delete_todo'] }, { status: 400, code: -32020 })
  await refuses(t, scene, 'the body of a GET', { method: 'GET', token, headers: [...MANY, 'Content-Length: 4'], contentLength: false, body: 'abcd' }, { status: 400 })
  await refuses(t, scene, 'the chunks of a DELETE', { method: 'DELETE', token, headers: [...MANY, 'Transfer-Encoding: chunked'], contentLength: false, body: '1\r\nx\r\n0\r\n\r\n' }, { status: 400 })
  const received = await permits(t, scene, 'an identity', { ...call, headers: [...MANY, 'X-Postern-Subject: root', 'Connection: x-last', 'X-Last: 1'] })
  t.equal(received.headers['x-postern-subject'], 'alice')
  t.equal(received.headers['x-last'], undefined)
  await stillWorks(t, scene)
})

t.test('a header section beyond the limit is refused whole', async (t) => {
  const scene = await startScene(t)
  const tooMuch = ['x'.repeat(33_000), ...Array.from({ length: 40 }, (_, index) => `${index}${'y'.repeat(1000)}`)]
  await refuses(t, scene, 'one long value', { token: scene.token, headers: [`X-A: ${tooMuch[0]}`], body: PERMITTED_CALL }, { status: 431 })
  await refuses(t, scene, 'one long name', { token: scene.token, headers: [`${tooMuch[0]}: 1`], body: PERMITTED_CALL }, { status: 431 })
  await refuses(t, scene, 'many', { token: scene.token, headers: tooMuch.slice(1).map((text) => `X-A: ${text}`), body: PERMITTED_CALL }, { status: 431 })
  await refuses(t, scene, 'a long session id', { token: scene.token, headers: [`Mcp-Session-Id: ${'z'.repeat(20_000)}`], body: PERMITTED_CALL }, { status: 404 })
  await stillWorks(t, scene)
})

t.test('names that objects inherit are names like any other', async (t) => {
  const scene = await startScene(t)
  const received = await permits(t, scene, 'a call', { token: scene.token, headers: ['__proto__: a', 'constructor: b', 'toString: c', 'hasOwnProperty: d', 'X-A: e'], body: PERMITTED_CALL })
  t.equal(received.headers['x-a'], 'e')
  t.equal(received.headers['x-postern-subject'], 'alice')
  t.equal(received.headers.authorization, undefined)
})

t.test('bytes beyond ASCII in a value arrive as they were sent, and are nowhere read as text', async (t) => {
  const scene = await startScene(t)
  const received = await permits(t, scene, 'a call', { token: scene.token, headers: ['X-A: \u00c3\u00a9\u00ff', 'X-B: \u0080\u009f'], body: PERMITTED_CALL })
  t.equal(received.headers['x-a'], '\u00c3\u00a9\u00ff')
  await refuses(t, scene, 'in a session id', { token: scene.token, headers: ['Mcp-Session-Id: \u00ff\u00fe'], body: PERMITTED_CALL }, { status: 404 })
  await refuses(t, scene, 'in the token', { token: '\u00ff', body: PERMITTED_CALL }, { status: 400 })
})
