import t from 'tap'
import fc from 'fast-check'
import { buildResponseHeaders, buildRequestHeaders, encodeHeaderValue, isEventStream, readHeaderNames, type RequestHeaderOptions } from '../../src/upstream/headers.js'

const OPTIONS: RequestHeaderOptions = { host: 'inner:8080', identity: {}, fixed: {} }

t.test('no header of these names goes up', async (t) => {
  const names = [
    'authorization', 'cookie', 'dpop', 'proxy-authorization', 'proxy-connection', 'proxy-authenticate', 'proxy-anything',
    'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect', 'http2-settings',
    'forwarded', 'via', 'x-forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-user', 'x-forwarded-access-token',
    'x-real-ip', 'x-client-ip', 'client-ip', 'true-client-ip', 'x-original-url', 'x-original-host', 'x-rewrite-url',
    'x-http-method-override', 'x-http-method', 'x-method-override',
    'x-postern-subject', 'x-postern-client-id', 'x-postern-issuer', 'x-postern-scopes', 'x-postern-anything',
    'content-length', 'origin', 'accept-encoding', 'mcp-session-id',
    'access-control-request-method', 'access-control-request-headers'
  ]
  for (const name of names) {
    t.same(buildRequestHeaders({ [name]: 'x' }, OPTIONS), { host: 'inner:8080', 'accept-encoding': 'identity' }, name)
    const underscored = name.replaceAll('-', '_')
    t.same(buildRequestHeaders({ [underscored]: 'x' }, OPTIONS), { host: 'inner:8080', 'accept-encoding': 'identity' }, `${underscored}, which CGI reads as the same`)
  }
  t.same(buildRequestHeaders({ host: 'outer' }, OPTIONS), { host: 'inner:8080', 'accept-encoding': 'identity' })
})

t.test('what Connection names goes no further, in either direction', async (t) => {
  const incoming = { connection: 'keep-alive, X-Private,x-other ,', 'x-private': '1', 'x-other': '2', 'x-kept': '3' }
  t.same(buildRequestHeaders(incoming, OPTIONS), { host: 'inner:8080', 'accept-encoding': 'identity', 'x-kept': '3' })
  t.same(buildResponseHeaders(incoming), { 'x-kept': '3' })
})

t.test('Connection cannot name away what the gateway sets itself', async (t) => {
  const connection = 'host, x-postern-subject, x-api-key, mcp-session-id'
  t.same(buildRequestHeaders({ connection, 'x-api-key': 'theirs' }, { host: 'inner:8080', identity: { subject: 'alice' }, fixed: { 'x-api-key': 'ours' }, sessionId: 's' }), {
    host: 'inner:8080', 'accept-encoding': 'identity', 'x-postern-subject': 'alice', 'x-api-key': 'ours', 'mcp-session-id': 's'
  })
})

t.test('a header that the operator sets replaces every spelling of the client\'s', async (t) => {
  const incoming = { 'x-api-key': 'a', x_api_key: 'b', 'x-api_key': 'c', 'x-api-keys': 'd' }
  for (const name of ['x-api-key', 'x_api_key']) {
    t.same(buildRequestHeaders(incoming, { ...OPTIONS, fixed: { [name]: 'ours' } }), { host: 'inner:8080', 'accept-encoding': 'identity', [name]: 'ours', 'x-api-keys': 'd' })
  }
})

t.test('F1: headers that the operator removes stay here; his own and the gateway\'s do not', async (t) => {
  const removed = readHeaderNames(['X-Corp-User', 'x-sso-*', 'X-Api-Key', 'X-Postern-*', 'x-request-id'])
  const incoming = {
    'x-corp-user': 'root',
    'x-corp-user-agent': 'kept',
    'x-sso-': 'root',
    'x-sso-groups': 'admin',
    'x-sso': 'kept',
    'x-api-key': 'theirs'
  }
  const options = { ...OPTIONS, removed, fixed: { 'x-api-key': 'ours' }, identity: { subject: 'anna' }, requestId: '7' }
  t.same(buildRequestHeaders(incoming, options), {
    host: 'inner:8080',
    'accept-encoding': 'identity',
    'x-api-key': 'ours',
    'x-request-id': '7',
    'x-postern-subject': 'anna',
    'x-corp-user-agent': 'kept',
    'x-sso': 'kept'
  })
  t.equal(readHeaderNames([]), undefined, 'an empty list costs nothing')
})

t.test('the operator\'s own credentials for the upstream go up', async (t) => {
  t.same(buildRequestHeaders({ authorization: 'Bearer client' }, { ...OPTIONS, fixed: { authorization: 'Bearer ours' } }), { host: 'inner:8080', 'accept-encoding': 'identity', authorization: 'Bearer ours' })
})

t.test('M6: what the revision needs goes up unchanged', async (t) => {
  const incoming = {
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': '=?base64?w6k=?=',
    'mcp-param-region': 'eu',
    'last-event-id': '7',
    traceparent: '00-a-b-01',
    'user-agent': 'x',
    'x-custom': 'y'
  }
  t.same(buildRequestHeaders(incoming, OPTIONS), { ...incoming, host: 'inner:8080', 'accept-encoding': 'identity' })
})

t.test('F2: an identity is encoded so that no byte of it can leave its header', async (t) => {
  const table: readonly [value: string, encoded: string][] = [
    ['alice', 'alice'],
    ['auth0|5f7c', 'auth0|5f7c'],
    ['https://issuer.example/a?b=c', 'https://issuer.example/a?b=c'],
    ['', ''],
    ['a b', 'a%20b'],
    ['a\r\nX-Postern-Scopes: admin', 'a%0D%0AX-Postern-Scopes:%20admin'],
    ['100%', '100%25'],
    ['%41', '%2541'],
    ['jos\u00e9', 'jos%C3%A9'],
    ['\u{1f600}', '%F0%9F%98%80'],
    ['\ud800', '%EF%BF%BD'],
    ['\u0000\u007f\t', '%00%7F%09']
  ]
  for (const [value, encoded] of table) t.equal(encodeHeaderValue(value), encoded, JSON.stringify(value))
})

t.test('F2: every identity can be read back, and is visible ASCII', async () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (value) => {
    const encoded = encodeHeaderValue(value)
    if (!/^[\x21-\x7e]*$/.test(encoded)) throw new Error('not visible ASCII')
    if (decodeURIComponent(encoded) !== value) throw new Error('changed')
  }))
})

t.test('scopes are one list of encoded values', async (t) => {
  const identity = { scopes: new Set(['a', 'b c', 'd\r\n', 'é']) }
  t.same(buildRequestHeaders({}, { ...OPTIONS, identity }), { host: 'inner:8080', 'accept-encoding': 'identity', 'x-postern-scopes': 'a b%20c d%0D%0A %C3%A9' })
})

t.test('no header of these names comes back', async (t) => {
  const names = [
    'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'proxy-authenticate', 'proxy-connection',
    'www-authenticate', 'authentication-info', 'set-cookie', 'set-cookie2', 'mcp-session-id', 'alt-svc', 'strict-transport-security', 'clear-site-data',
    'location', 'content-location', 'refresh',
    'access-control-allow-origin', 'access-control-allow-credentials', 'access-control-expose-headers', 'x-request-id', 'x-postern-subject'
  ]
  for (const name of names) t.same(buildResponseHeaders({ [name]: 'x' }), {}, name)
})

t.test('an event stream is recognised whatever the spelling, and is not to be buffered', async (t) => {
  const types = [
    'text/event-stream', 'text/event-stream; charset=utf-8', 'Text/Event-Stream;charset=UTF-8',
    'application/json, text/event-stream', 'text/plain; x=text/event-stream', ' text/event-stream'
  ]
  for (const type of types) {
    t.ok(isEventStream({ 'content-type': type }), type)
    const headers = buildResponseHeaders({ 'content-type': type, 'x-accel-buffering': 'yes', 'content-length': '9' })
    t.strictSame(headers, { 'content-type': type, 'x-accel-buffering': 'no' })
  }
  for (const headers of [{}, { 'content-type': 'application/json' }]) t.notOk(isEventStream(headers))
})
