import t, { type Test } from 'tap'
import { AuthorizationServerUnavailable, InvalidToken } from '../../src/oauth/failures.js'
import { createTestClock } from '../helpers/clock.js'
import { authorizationServerConfig, serverConfig } from '../helpers/configuration.js'
import { startIssuer } from '../helpers/issuer.js'
import { createSigningKey } from '../helpers/keys.js'
import { until } from '../helpers/until.js'
import { setUp, startVerifier, type VerifierScene } from './setup.js'

const HOUR = 3_600_000
const MINUTE = 60_000

interface Scene extends VerifierScene {
  readonly state: () => string | undefined
}

async function start (t: Test, timeoutMs = 2_000): Promise<Scene> {
  const scene = await startVerifier(t, {
    server: { tokenCacheSeconds: 0 }, issuer: { lifetimeSeconds: 90 * 86_400 }, timeoutMs
  })
  return { ...scene, state: () => scene.authorizationServers[0]?.state() }
}

async function failure (promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => 'accepted', (error: unknown) => error)
}

t.test('A6: keys that were never fetched: unavailable, with the time to try again, and never invalid', async (t) => {
  for (const mode of ['fail', 'hang', 'stop'] as const) {
    const { issuer, verifier, state } = await start(t, 50)
    const token = await issuer.token()
    if (mode === 'stop') await issuer.stop()
    else issuer.mode = mode
    t.equal(state(), 'never')
    const error = await failure(verifier.verify(token))
    t.type(error, AuthorizationServerUnavailable, mode)
    t.match(error, { retryAfterSeconds: 2, message: issuer.issuer })
    t.equal(state(), 'never')
  }
})

t.test('an outage from the start does not cause a fetch for each request, and ends without a restart', async (t) => {
  const { issuer, verifier, clock, state } = await start(t)
  const token = await issuer.token()
  issuer.mode = 'fail'
  await Promise.allSettled(Array.from({ length: 100 }, () => verifier.verify(token)))
  const round = issuer.requests.length
  t.equal(round, 2, 'each place for the metadata once')
  for (let i = 0; i < 20; i++) t.type(await failure(verifier.verify(token)), AuthorizationServerUnavailable)
  t.equal(issuer.requests.length, round)
  issuer.mode = 'serve'
  clock.advance(1_000)
  t.match(await failure(verifier.verify(token)), { retryAfterSeconds: 1 })
  t.equal(issuer.requests.length, round)
  clock.advance(1_000)
  t.equal(await failure(verifier.verify(token)), 'accepted')
  t.equal(state(), 'fresh')
})

t.test('junk for an authorization server that is down is unavailable too: it cannot be told from good tokens', async (t) => {
  const { issuer, verifier } = await start(t)
  issuer.mode = 'fail'
  const junk = await (await createSigningKey('ES256', 'x')).sign({ iss: issuer.issuer })
  t.type(await failure(verifier.verify(junk)), AuthorizationServerUnavailable)
})

t.test('an outage of one authorization server does not affect the others', async (t) => {
  const clock = createTestClock()
  const [up, down] = [await startIssuer(t, { now: clock.now }), await startIssuer(t, { now: clock.now })]
  const { verifier } = setUp(
    serverConfig([authorizationServerConfig(down.issuer), authorizationServerConfig(up.issuer)]), clock
  )
  down.mode = 'fail'
  t.equal(await failure(verifier.verify(await up.token())), 'accepted')
  t.type(await failure(verifier.verify(await down.token())), AuthorizationServerUnavailable)
  t.type(await failure(verifier.verify(await up.token({ iss: 'https://nobody.example' }))), InvalidToken)
})

t.test('A5: the last good keys stay in use during an outage, which the log and the state show', async (t) => {
  const { issuer, verifier, clock, state, log } = await start(t)
  const token = await issuer.token()
  await verifier.verify(token)
  t.equal(state(), 'fresh')
  t.same(log.lines, [], 'nothing to tell while all is well')
  issuer.mode = 'fail'
  clock.advance(11 * MINUTE)
  t.equal(await failure(verifier.verify(token)), 'accepted')
  const failed = (): string[] => log.lines.filter((line) => line.includes('key set cannot be fetched again; the last good copy stays in use'))
  await until(() => failed().length === 1, 'a failure is logged')
  t.equal(state(), 'stale')
  t.match(failed(), [/"ageSeconds":660/])
  clock.advance(23 * HOUR)
  t.equal(await failure(verifier.verify(token)), 'accepted')
  await until(() => failed().length === 2, 'another failure is logged')

  issuer.mode = 'serve'
  clock.advance(30_000)
  t.equal(await failure(verifier.verify(token)), 'accepted')
  await until(() => state() === 'fresh', 'the keys are fresh')
  t.match(log.lines.join('\n'), /fetched again after a failure/)
})

t.test('a failing refresh is tried once per cooldown', async (t) => {
  const { issuer, verifier, clock, state } = await start(t)
  const token = await issuer.token()
  await verifier.verify(token)
  issuer.mode = 'fail'
  clock.advance(11 * MINUTE)
  await verifier.verify(token)
  await until(() => state() === 'stale', 'the keys are stale')
  const asked = issuer.count('/jwks')
  for (let i = 0; i < 20; i++) await verifier.verify(token)
  clock.advance(29_000)
  await verifier.verify(token)
  t.equal(issuer.count('/jwks'), asked)
  clock.advance(1_000)
  await verifier.verify(token)
  await until(() => issuer.count('/jwks') === asked + 1, 'the key set is asked for once more')
  t.pass('and again after it')
})

t.test('nobody waits for an authorization server that hangs, while there are keys', async (t) => {
  const { issuer, verifier, clock, state, log } = await start(t, 500)
  const token = await issuer.token()
  await verifier.verify(token)
  issuer.mode = 'hang'
  clock.advance(11 * MINUTE)
  t.equal(await failure(verifier.verify(token)), 'accepted')
  t.equal(state(), 'fresh', 'answered before the refresh failed')
  await until(() => state() === 'stale', 'the keys are stale')
  clock.advance(HOUR)
  const failures = log.lines.length
  t.equal(await failure(verifier.verify(token)), 'accepted')
  t.equal(log.lines.length, failures, 'and before the next one failed')
})

t.test('A5: keys older than a day are not used any more', async (t) => {
  const { issuer, verifier, clock, state } = await start(t)
  const token = await issuer.token()
  await verifier.verify(token)
  issuer.mode = 'fail'
  clock.advance(24 * HOUR - 1_000)
  t.equal(await failure(verifier.verify(token)), 'accepted')
  await until(() => state() === 'stale', 'the keys are stale')
  clock.advance(31_000)
  t.equal(state(), 'never')
  t.type(await failure(verifier.verify(token)), AuthorizationServerUnavailable)
  issuer.mode = 'serve'
  clock.advance(2_000)
  t.equal(await failure(verifier.verify(token)), 'accepted')
})

t.test('a day without traffic costs nothing', async (t) => {
  const { issuer, verifier, clock } = await start(t)
  const token = await issuer.token()
  await verifier.verify(token)
  clock.advance(48 * HOUR)
  t.equal(await failure(verifier.verify(token)), 'accepted')
  t.equal(issuer.count('/jwks'), 2)
})

t.test('A6: an unknown key during an outage is unavailable: the token may be signed with a new key', async (t) => {
  const { issuer, verifier, clock } = await start(t)
  const old = await issuer.token()
  await verifier.verify(old)
  await issuer.rotate('second')
  const token = await issuer.token()
  issuer.mode = 'fail'
  t.match(await failure(verifier.verify(token)), { name: 'AuthorizationServerUnavailable', retryAfterSeconds: 30 })
  clock.advance(10_000)
  t.match(await failure(verifier.verify(token)), { name: 'AuthorizationServerUnavailable', retryAfterSeconds: 20 })
  t.equal(issuer.count('/jwks'), 2)
  t.equal(await failure(verifier.verify(old)), 'accepted', 'known keys stay in use')
  issuer.mode = 'serve'
  clock.advance(20_000)
  t.equal(await failure(verifier.verify(token)), 'accepted')
})

t.test('keys can be fetched in advance, and a failure of that harms nothing', async (t) => {
  const { issuer, authorizationServers: [authorizationServer], state, clock } = await start(t)
  issuer.mode = 'fail'
  await authorizationServer?.prepare()
  t.equal(state(), 'never')
  issuer.mode = 'serve'
  clock.advance(2_000)
  await authorizationServer?.prepare()
  t.equal(state(), 'fresh')
})

t.test('a clock that is set back stops neither recovery nor refetches', async (t) => {
  const { issuer, verifier, clock } = await start(t)
  issuer.mode = 'fail'
  const token = await issuer.token()
  t.type(await failure(verifier.verify(token)), AuthorizationServerUnavailable)
  issuer.mode = 'serve'
  clock.advance(-20_000)
  t.equal(await failure(verifier.verify(token)), 'accepted')
  const junk = await (await createSigningKey('ES256', 'x')).sign({ iss: issuer.issuer })
  t.type(await failure(verifier.verify(junk)), InvalidToken)
  await issuer.rotate('second')
  clock.advance(-HOUR)
  t.equal(await failure(verifier.verify(await issuer.token({ iat: undefined }))), 'accepted')
})
