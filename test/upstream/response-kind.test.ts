import t from 'tap'
import { classifyFailure } from '../../src/upstream/failure.js'
import { classifyResponse, type SentRequest } from '../../src/upstream/response-kind.js'

const SENT: SentRequest = { path: '/mcp/a?q=1', hosts: ['inner:8080', 'public.example'], redirects: 0 }

t.test('a response is passed on', async (t) => {
  for (const status of [200, 202, 204, 299, 304, 400, 402, 404, 405, 409, 499, 500, 503, 599]) {
    t.same(classifyResponse(SENT, status, '/elsewhere'), { kind: 'final' }, String(status))
  }
})

t.test('a redirect is followed when it keeps method and host', async (t) => {
  type Location = string | string[] | undefined
  const table: ReadonlyArray<readonly [status: number, Location, path: string | undefined]> = [
    [307, '/mcp/', '/mcp/'],
    [308, '/mcp/?x=1#fragment', '/mcp/?x=1'],
    [307, 'b', '/mcp/b'],
    [307, '?x', '/mcp/a?x'],
    [307, '', '/mcp/a?q=1'],
    [307, 'http://inner:8080/x', '/x'],
    [307, 'https://INNER:8080/x', '/x'],
    [307, 'https://public.example/x', '/x'],
    [307, '//public.example/x', '/x'],
    [307, 'http://public.example:80/x', '/x'],
    [307, 'http://inner/x', undefined],
    [307, 'http://inner:8081/x', undefined],
    [307, 'http://public.example.evil/x', undefined],
    [307, 'http://evil@inner:8080.evil/x', undefined],
    [307, '//evil/x', undefined],
    [307, '\\\\evil/x', undefined],
    [307, 'file:///etc/passwd', undefined],
    [307, 'javascript:1', undefined],
    [307, 'http://', undefined],
    [307, undefined, undefined],
    [307, ['/a', '/b'], undefined],
    [301, '/mcp/', undefined],
    [302, '/mcp/', undefined],
    [303, '/mcp/', undefined],
    [300, '/mcp/', undefined]
  ]
  for (const [status, location, path] of table) {
    const verdict = classifyResponse(SENT, status, location)
    if (path === undefined) t.match(verdict, { kind: 'failure', failure: { kind: 'redirect' } }, `${status} ${location}`)
    else t.same(verdict, { kind: 'redirect', path }, `${status} ${location}`)
  }
})

t.test('the log is told where a redirect leads, but neither query nor password', async (t) => {
  for (const [location, reason] of [
    ['https://user:secret@login.example/authorize?token=secret#secret', 'the upstream answered 302 to https://login.example/authorize'],
    ['/login?secret', 'the upstream answered 302 to http://inner:8080/login'],
    ['http://', 'the upstream answered 302 with a Location that is no URL'],
    [undefined, 'the upstream answered 302 without a Location']
  ] as const) t.match(classifyResponse(SENT, 302, location), { failure: { reason } })
})

t.test('the fourth redirect is one too many', async (t) => {
  t.equal(classifyResponse({ ...SENT, redirects: 2 }, 307, '/x').kind, 'redirect')
  t.equal(classifyResponse({ ...SENT, redirects: 3 }, 307, '/x').kind, 'failure')
})

t.test('a refusal of the gateway is a failure of the upstream', async (t) => {
  for (const status of [401, 403, 407]) t.match(classifyResponse(SENT, status, undefined), { kind: 'failure', failure: { kind: 'refused' } })
})

t.test('a status that HTTP does not have is a broken answer (RFC 9110 §15)', async (t) => {
  for (const status of [600, 999]) t.match(classifyResponse(SENT, status, undefined), { kind: 'failure', failure: { kind: 'broken' } })
})

t.test('the ways of getting no response are told apart', async (t) => {
  const table: readonly [code: string | undefined, kind: string][] = [
    ['ECONNREFUSED', 'unreachable'], ['ENOTFOUND', 'unreachable'], ['EAI_AGAIN', 'unreachable'], ['UND_ERR_CONNECT_TIMEOUT', 'unreachable'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'unreachable'], ['SELF_SIGNED_CERT_IN_CHAIN', 'unreachable'], ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unreachable'],
    ['CERT_HAS_EXPIRED', 'unreachable'], ['ERR_TLS_CERT_ALTNAME_INVALID', 'unreachable'], ['ERR_SSL_WRONG_VERSION_NUMBER', 'unreachable'],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
    ['ECONNRESET', 'broken'], ['UND_ERR_SOCKET', 'broken'], ['HPE_INVALID_CONSTANT', 'broken'], ['UND_ERR_HEADERS_OVERFLOW', 'broken'], [undefined, 'broken']
  ]
  for (const [code, kind] of table) {
    const { kind: actual, reason } = classifyFailure(Object.assign(new Error('why'), { code, cause: new Error('because') }))
    t.equal(actual, kind, code ?? 'without a code')
    t.match(reason, /why: because$/)
  }
})
