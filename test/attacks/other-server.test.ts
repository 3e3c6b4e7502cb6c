// Several protected servers behind one gateway: a token for one, used on a path that leads to another.
// Fell for it: path matching that differs between the check and the mapping (anthropics/claude-code#52871 and
// envoyproxy/ai-gateway#1585 are about telling such resources apart at all); FastMCP's token for the base URL
// (CVE-2025-69196).
// It fails here because each server is a context of its own, with its own audience, verifier and cache, and a
// target must be literally under the one that the router chose (R5, F3).
import t from 'tap'
import { startConfigured } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { sendOne } from '../helpers/raw-http.js'
import { startUpstream } from '../helpers/upstream.js'
import { PERMITTED_CALL, receivedBy } from './assertions.js'

t.test('A3: a token for one server of a gateway opens no other', async (t) => {
  const issuer = await startIssuer(t)
  const upstream = await startUpstream(t)
  const at = (path: string): string => `http://127.0.0.1:1${path}`
  const server = (path: string): object => ({ resource: at(path), upstream: upstream.origin + path, policy: { tools: { '*': true } } })
  const { url } = await startConfigured(t, { authorizationServers: [issuer.issuer], servers: [server('/a'), server('/a/b'), server('/c')] })
  const tokens = new Map(await Promise.all(['/a', '/a/b', '/c'].map(async (path) => [path, await issuer.token({ aud: at(path) })] as const)))
  const status = async (token: string | undefined, target: string): Promise<number | undefined> =>
    (await sendOne(
      { origin: url, resource: url + target }, { token, target, body: PERMITTED_CALL }
    )).statuses[0]

  const belongs: Record<string, string> = { '/a': '/a', '/a/': '/a', '/a/x': '/a', '/a/bc': '/a', '/a/B': '/a', '/a/b': '/a/b', '/a/b/': '/a/b', '/a/b/x': '/a/b', '/c': '/c', '/c/a/b': '/c' }
  for (const [target, owner] of Object.entries(belongs)) {
    for (const [path, token] of tokens) t.equal(await status(token, target), path === owner ? 200 : 401, `${target} with a token for ${path}`)
    t.equal(await status(undefined, target), 401, `${target} without a token`)
  }
  t.same(receivedBy(upstream), Object.keys(belongs).map((target) => `POST ${target}`))

  upstream.received.length = 0
  const confusing = ['/a/../c', '/a/..%2fc', '/a/%2e%2e/c', '/a/%62', '/a/%62/x', '/%61/b', '/a//b', '/a/./b', '/a/x/../b', '/a/b/..', '/a/b/../x', '/a/b%2fx', '/a%2fb', '/a/b;/../x', '/a;x/b', '//c', '/a\\b', '/a/b#', '/c/../a/b', 'http://127.0.0.1:1/a/b']
  for (const target of confusing) {
    for (const [path, token] of tokens) t.match(await status(token, target), /^40[014]$/, `${target} with a token for ${path}`)
  }
  t.same(receivedBy(upstream), [])
})

t.test('a resource at the root does not open those beside it', async (t) => {
  const issuer = await startIssuer(t)
  const upstream = await startUpstream(t)
  const server = (path: string, inner: string): object => ({ resource: `http://127.0.0.1:1${path}`, upstream: upstream.origin + inner, policy: { tools: { '*': true } } })
  const { url } = await startConfigured(t, { authorizationServers: [issuer.issuer], servers: [server('/', '/root'), server('/a', '/a')] })
  const root = await issuer.token({ aud: 'http://127.0.0.1:1' })
  const status = async (target: string): Promise<number | undefined> => (
    await sendOne({ origin: url, resource: url }, { token: root, target, body: PERMITTED_CALL })
  ).statuses[0]
  t.equal(await status('/'), 200)
  t.equal(await status('/b'), 200)
  for (const target of ['/a', '/a/', '/a/x', '/a?x', '/%61', '/%61/x', '//a', '/b/../a', '/./a']) t.match(await status(target), /^40[01]$/, target)
  t.same(receivedBy(upstream), ['POST /root', 'POST /root/b'])
})
