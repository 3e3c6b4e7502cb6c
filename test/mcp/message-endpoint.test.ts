import t from 'tap'
import { isSealedEndpoint, openEndpoint, readAnnouncedEndpoint, sealEndpoint, UnusableEndpoint, type EndpointSeal } from '../../src/mcp/message-endpoint.js'
import { bindSession } from '../../src/mcp/session.js'

const SEAL: EndpointSeal = { keys: ['k'.repeat(32)], resource: 'https://h.example/sse', prefix: '/sse' }
const ANNA = { issuer: 'https://as.example', subject: 'anna', clientId: 'app' }
const PATH = '/messages/?sessionId=3f2a'

t.test('an announced endpoint is resolved against the stream, and must be at the upstream', async (t) => {
  const read = (announced: string): string => readAnnouncedEndpoint('http://u:8080/a/sse?x=1', 'h.example', announced)
  t.equal(read('/messages?sessionId=1'), '/messages?sessionId=1')
  t.equal(read('messages?sessionId=1'), '/a/messages?sessionId=1')
  t.equal(read('?sessionId=1'), '/a/sse?sessionId=1')
  t.equal(read('../m#fragment'), '/m')
  t.equal(read('http://u:8080/m?s=1'), '/m?s=1')
  t.equal(read('https://h.example/m'), '/m', 'by the name that the upstream was addressed with')
  for (const elsewhere of ['http://evil/m', 'http://u/m', 'http://u:8081/m', '//evil/m', '\\\\evil/m', '/\\evil/m', 'http://u:8080@evil/m', 'http://u.evil:8080/', 'data:text/plain,x', 'file:///etc/passwd', 'http://', 'ftp://u:8080/m']) {
    t.throws(() => read(elsewhere), UnusableEndpoint, elsewhere)
  }
  t.throws(() => read(`/${'x'.repeat(3000)}`), UnusableEndpoint, 'a very long one')
  t.equal(readAnnouncedEndpoint('https://u:80/sse', 'u:80', '/m'), '/m', 'an unusual port makes no difference')
})

t.test('what was sealed is opened again for the same principal', async (t) => {
  const url = sealEndpoint(SEAL, ANNA, PATH)
  t.match(url, /^\/sse\/~endpoint\/[\w-]+$/)
  t.ok(isSealedEndpoint(SEAL, url))
  t.notMatch(Buffer.from(url.split('/').pop() as string, 'base64url').toString('latin1'), '3f2a', 'the session id is not told')
  t.equal(openEndpoint(SEAL, ANNA, url), PATH)
  t.equal(openEndpoint({ ...SEAL, keys: ['n'.repeat(32), ...SEAL.keys] }, ANNA, url), PATH, 'also after a new key was put in front')
  const root = { ...SEAL, prefix: '' }
  t.equal(openEndpoint(root, ANNA, sealEndpoint(root, ANNA, PATH)), PATH)
})

t.test('F12: another principal, resource or key opens nothing', async (t) => {
  const url = sealEndpoint(SEAL, ANNA, PATH)
  for (const other of [{ subject: 'bert' }, { issuer: 'https://other.example' }, { clientId: 'anna' }]) {
    t.equal(openEndpoint(SEAL, { ...ANNA, ...other }, url), undefined)
  }
  t.equal(openEndpoint(SEAL, { ...ANNA, clientId: 'other' }, url), PATH, 'another client of the same user')
  t.equal(openEndpoint(SEAL, { issuer: ANNA.issuer, subject: ANNA.subject }, url), PATH, 'without a client id')
  t.equal(openEndpoint({ ...SEAL, resource: 'https://h.example/other' }, ANNA, url), undefined)
  t.equal(openEndpoint({ ...SEAL, keys: ['n'.repeat(32)] }, ANNA, url), undefined)
})

t.test('no altered path is opened', async (t) => {
  const url = sealEndpoint(SEAL, ANNA, PATH)
  for (let at = '/sse/~endpoint/'.length; at < url.length; at++) {
    const altered = url.slice(0, at) + (url[at] === 'A' ? 'B' : 'A') + url.slice(at + 1)
    t.equal(openEndpoint(SEAL, ANNA, altered), undefined, `at ${at}`)
  }
  for (const suffix of ['?x=1', '&sessionId=2', '/', '/..', '=', 'A', ' ', '#x', '%41']) t.equal(openEndpoint(SEAL, ANNA, url + suffix), undefined, suffix)
  for (let length = '/sse/~endpoint/'.length; length < url.length; length++) t.equal(openEndpoint(SEAL, ANNA, url.slice(0, length)), undefined)
})

t.test('a session id that was bound by the same key opens nothing', async (t) => {
  const bound = bindSession(SEAL, '/admin', ANNA)
  for (const text of [bound, Buffer.from(bound).toString('base64url')]) t.equal(openEndpoint(SEAL, ANNA, `/sse/~endpoint/${text}`), undefined)
})
