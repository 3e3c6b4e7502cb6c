import t from 'tap'
import fc from 'fast-check'
import { MAX_TOKEN_LENGTH, readBearerToken } from '../../src/oauth/bearer.js'

const read = (authorization: string, url = '/mcp') => readBearerToken(['Host', 'h', 'Authorization', authorization], url)

t.test('A1: one Bearer token in one Authorization header is read', async (t) => {
  t.same(read('Bearer abc'), { kind: 'token', token: 'abc' })
  t.same(read('bearer abc'), { kind: 'token', token: 'abc' }, 'scheme in lower case')
  t.same(read('BEARER abc'), { kind: 'token', token: 'abc' }, 'scheme in upper case')
  t.same(read('Bearer   abc'), { kind: 'token', token: 'abc' }, 'RFC 6750 allows several spaces')
  t.same(read('Bearer a-._~+/Z9=='), { kind: 'token', token: 'a-._~+/Z9==' }, 'every character of b64token')
  t.same(readBearerToken(['AUTHORIZATION', 'Bearer abc'], '/mcp'), { kind: 'token', token: 'abc' }, 'header name in any case')
})

t.test('A1: no credentials, and those of another scheme, count as none', async (t) => {
  t.same(readBearerToken([], '/mcp'), { kind: 'none' })
  t.same(readBearerToken(['X-Authorization', 'Bearer a', 'Proxy-Authorization', 'Bearer a', 'Cookie', 'access_token=a'], '/mcp'), { kind: 'none' })
  for (const other of ['Basic YTpi', 'DPoP abc', 'Negotiate', 'Bearerx abc', 'Bearer-Token abc', 'Digest username="a", realm="bearers"', 'B']) {
    t.same(read(other), { kind: 'none' }, other)
  }
})

t.test('A1: anything but exactly one token is malformed', async (t) => {
  const cases: Record<string, string> = {
    'empty header': '',
    'scheme alone': 'Bearer',
    'scheme and a space': 'Bearer ',
    'scheme and spaces': 'Bearer    ',
    'tab for the space': 'Bearer\tabc',
    'tab after the space': 'Bearer \tabc',
    'comma-joined headers': 'Bearer abc, Bearer def',
    'comma without a space': 'Bearer abc,Bearer def',
    'list that starts with another scheme': 'Basic YTpi, Bearer abc',
    'trailing comma': 'Bearer abc,',
    'trailing junk': 'Bearer abc def',
    'trailing space': 'Bearer abc ',
    'token in quotes': 'Bearer "abc"',
    'scheme twice': 'Bearer Bearer abc',
    'padding alone': 'Bearer ==',
    'padding in the middle': 'Bearer ab=c',
    'parameter form': 'Bearer token=abc',
    'colon for the space': 'Bearer: abc',
    'control character': 'Bearer abc\u0000',
    'line break': 'Bearer abc\r\nX: y',
    'latin-1 letter': 'Bearer abcé',
    'letter outside latin-1': 'Bearer abcſ',
    'no-break space': 'Bearer\u00a0abc'
  }
  for (const [name, value] of Object.entries(cases)) t.equal(read(value).kind, 'malformed', name)
})

t.test('A1: two Authorization headers are malformed, whatever they hold', async (t) => {
  for (const [first, second] of [['Bearer abc', 'Bearer abc'], ['Basic YTpi', 'Bearer abc'], ['Bearer abc', 'Basic YTpi'], ['', '']] as const) {
    t.equal(readBearerToken(['Authorization', first, 'Accept', '*/*', 'authorization', second], '/').kind, 'malformed')
  }
})

t.test('a token of 16 KiB is read, a longer one is malformed', async (t) => {
  t.equal(read('Bearer ' + 'a'.repeat(MAX_TOKEN_LENGTH)).kind, 'token')
  t.equal(read('Bearer ' + 'a'.repeat(MAX_TOKEN_LENGTH + 1)).kind, 'malformed')
})

t.test('A1: an access_token query parameter is malformed, with and without a header', async (t) => {
  const urls = [
    '/mcp?access_token=abc', '/mcp?access_token', '/mcp?access_token=', '/mcp?a=b&access_token=abc', '/mcp?a;access_token=abc',
    '/mcp?%61ccess_token=abc', '/mcp?access%5Ftoken=abc', '/mcp?access%5ftoken', '/mcp?ACCESS_TOKEN=abc',
    '/mcp?a=?&access_token=b', '/?&&access_token=b', 'http://h/mcp?access_token=abc', '/mcp?access_token#x'
  ]
  for (const url of urls) {
    t.equal(readBearerToken([], url).kind, 'malformed', `${url} without header`)
    t.equal(read('Bearer abc', url).kind, 'malformed', `${url} with header`)
  }
})

t.test('other query parameters do no harm', async (t) => {
  for (const url of ['/mcp?', '/mcp?token=access_token', '/mcp?x_access_token=a', '/mcp?access_tokens=a', '/access_token', '/mcp?%ff%=%', '/mcp?%E0%A4%A=1']) {
    t.equal(read('Bearer abc', url).kind, 'token', url)
  }
})

t.test('a reason never holds what was sent', async (t) => {
  for (const value of ['Bearer s3cret s3cret', 'Bearer s3cret,', 'Basic a, Bearer s3cret']) {
    t.notMatch(JSON.stringify(read(value)), /s3cret/)
  }
  t.notMatch(JSON.stringify(readBearerToken([], '/?access_token=s3cret')), /s3cret/)
})

t.test('property: exactly what matches the grammar of RFC 6750 is a token', async (t) => {
  const grammar = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i
  const piece = fc.constantFrom('Bearer', 'bearer', ' ', '  ', '=', ',', 'a', 'Z', '0', '.', '-', '~', '/', '+', '_', '\t', '"', 'é', '\u0000', ';')
  t.doesNotThrow(() => fc.assert(fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
    const value = pieces.join('')
    const result = read(value)
    const token = grammar.exec(value)?.[1]
    if (token === undefined) return result.kind !== 'token'
    return result.kind === 'token' && result.token === token
  }), { numRuns: 5_000 }))
  t.doesNotThrow(() => fc.assert(fc.property(fc.string({ unit: 'binary' }), (value) => read(`Bearer ${value}`).kind === (grammar.test(`Bearer ${value}`) ? 'token' : 'malformed')), { numRuns: 5_000 }))
})

t.test('property: other headers around do not change what is read', async (t) => {
  const header = fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,20}$/).filter((name) => name.toLowerCase() !== 'authorization'), fc.string())
  t.doesNotThrow(() => fc.assert(fc.property(fc.array(header), fc.array(header), (before, after) => {
    const result = readBearerToken([...before.flat(), 'aUthorization', 'Bearer abc', ...after.flat()], '/mcp')
    return result.kind === 'token' && result.token === 'abc'
  })))
})

t.test('hostile input is read in linear time', async (t) => {
  const hostile = 'Basic ' + ', '.repeat(100_000) + 'b'
  const started = process.hrtime.bigint()
  read(hostile)
  read('Bearer ' + 'a='.repeat(8_000))
  readBearerToken([], '/?' + '&%'.repeat(50_000))
  t.ok(process.hrtime.bigint() - started < 1_000_000_000n)
})
