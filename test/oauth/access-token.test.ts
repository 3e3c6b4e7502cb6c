import t from 'tap'
import { createAccessTokenVerifier } from '../../src/oauth/access-token.js'
import { InvalidToken } from '../../src/oauth/failures.js'
import { createAuthorizationServer } from '../../src/oauth/authorization-server.js'
import { createTestClock } from '../helpers/clock.js'
import { authorizationServerConfig, serverConfig } from '../helpers/configuration.js'
import { startIssuer } from '../helpers/issuer.js'
import { createLog, setUp, startVerifier } from './setup.js'

t.test('a token is verified once and remembered', async (t) => {
  const { issuer, verifier, clock } = await startVerifier(t)
  const token = await issuer.token()
  const principal = await verifier.verify(token)
  t.equal(await verifier.verify(token), principal, 'the very same principal')
  clock.advance(60_000)
  const later = await verifier.verify(token)
  t.not(later, principal, 'verified again when its time is over')
  t.same(later, principal)
})

t.test('a token that comes several times at once is verified once', async (t) => {
  const { issuer, verifier } = await startVerifier(t, { server: { tokenCacheSeconds: 0 } })
  const token = await issuer.token()
  const [first, ...others] = await Promise.all(Array.from({ length: 10 }, () => verifier.verify(token)))
  t.ok(others.every((principal) => principal === first))
  t.not(await verifier.verify(token), first, 'and not remembered when that is switched off')
})

t.test('a remembered token is refused in the same moment as one that is not', async (t) => {
  const remembering = await startVerifier(t)
  const forgetful = await startVerifier(t, { server: { tokenCacheSeconds: 0 } })
  for (const { issuer, verifier, clock } of [remembering, forgetful]) {
    const token = await issuer.token({ exp: clock.now() / 1000 + 10 })
    for (const step of [0, 9, 1, 15, 14.999]) {
      clock.advance(step * 1000)
      await t.resolves(verifier.verify(token))
    }
    clock.advance(1)
    await t.rejects(verifier.verify(token), /expired 30 s ago/)
  }
})

t.test('a refused token is looked at again', async (t) => {
  const { issuer, verifier, clock } = await startVerifier(t)
  const token = await issuer.token({ nbf: clock.now() / 1000 + 31 })
  await t.rejects(verifier.verify(token), InvalidToken)
  clock.advance(1_000)
  await t.resolves(verifier.verify(token))
})

t.test('nothing is kept of a refused token', async (t) => {
  const { issuer, verifier } = await startVerifier(t)
  const encrypted = `${Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url')}....`
  for (const token of [encrypted, 'opaque', 'x'.repeat(16_385), await issuer.token({ aud: 'https://other.example' })]) {
    const first = verifier.verify(token)
    await t.rejects(first, InvalidToken)
    const second = verifier.verify(token)
    t.not(second, first, 'verified again: a client without a valid token cannot fill the memory either')
    await t.rejects(second, InvalidToken)
  }
})

t.test('a remembered token does not vouch for one that only looks like it', async (t) => {
  const { issuer, verifier } = await startVerifier(t)
  const token = await issuer.token()
  await verifier.verify(token)
  for (const other of [token + 'A', token.slice(0, -1), token + '=', ' ' + token, token.toLowerCase()]) {
    await t.rejects(verifier.verify(other), InvalidToken)
  }
})

t.test('a token of more than 16 KiB is refused, however good it is', async (t) => {
  const { issuer, verifier } = await startVerifier(t)
  await t.resolves(verifier.verify(await issuer.token({ filler: 'x'.repeat(11_800) })))
  await t.rejects(verifier.verify(await issuer.token({ filler: 'x'.repeat(12_200) })), /longer than 16384 characters/)
})

t.test('what one protected server accepts is nothing to another', async (t) => {
  const clock = createTestClock()
  const issuer = await startIssuer(t, { now: clock.now })
  const config = authorizationServerConfig(issuer.issuer)
  const shared = createAuthorizationServer(config, { fetch, now: clock.now, log: createLog() })
  const verifierOf = (resource: string) => createAccessTokenVerifier({
    server: serverConfig([config], { resource }),
    trusted: [{ config, authorizationServer: shared }],
    now: clock.now
  })
  const [one, other] = [verifierOf('https://one.example/mcp'), verifierOf('https://other.example/mcp')]
  const token = await issuer.token({ aud: 'https://one.example/mcp' })
  await one.verify(token)
  await t.rejects(other.verify(token), /another audience/)
  await one.verify(token)
  t.equal(issuer.count('/jwks'), 1, 'they share the keys')
})

t.test('two authorization servers that claim one issuer are refused at the start', async (t) => {
  const clock = createTestClock()
  const a = authorizationServerConfig('https://a.example')
  const claims = (...configs: (typeof a)[]) => () => setUp(serverConfig(configs), clock)
  t.throws(claims(a, a), /configured twice/)
  t.throws(claims(a, authorizationServerConfig('https://b.example', { issuers: ['https://a.example'] })), /configured twice/)
  t.doesNotThrow(claims(authorizationServerConfig('https://a.example', { issuers: ['https://a.example'] })), 'one may repeat itself')
})
