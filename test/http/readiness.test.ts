import type { Test } from 'tap'
import t from 'tap'
import { startServer } from '../../src/server.js'
import { createTestClock, type TestClock } from '../helpers/clock.js'
import { configFor } from '../helpers/configuration.js'
import { silentServices } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { until } from '../helpers/until.js'
import { startUpstream } from '../helpers/upstream.js'

interface Readiness {
  readonly status: number
  readonly body: { readonly status: string, readonly servers: ReadonlyArray<{ readonly ready: boolean }> }
}

const at = (path: string): string => `https://mcp.example${path}`

/** Starts a gateway for these servers, and returns how to ask it. */
async function startGateway (
  t: Test, servers: readonly object[], clock: TestClock = createTestClock()
): Promise<(query?: string) => Promise<Readiness>> {
  const config = configFor({ policy: { tools: { '*': true } }, servers, admin: { port: 0 } })
  const server = await startServer(config, silentServices({ clock }))
  t.after(() => server.stop())
  return async (query = '') => {
    const response = await fetch(`${server.adminUrl}/readyz${query}`)
    return { status: response.status, body: await response.json() as Readiness['body'] }
  }
}

t.test('O7: one dead upstream of three is named, and takes down only its own server', async (t) => {
  const clock = createTestClock()
  const issuer = await startIssuer(t)
  const upstreams = await Promise.all([1, 2, 3].map(() => startUpstream(t)))
  const read = await startGateway(t, upstreams.map(({ origin }, index) => (
    { resource: at(`/${index}`), upstream: `${origin}/mcp`, authorizationServers: [issuer.issuer] }
  )), clock)
  const whole = await read()
  t.equal(whole.status, 200)
  t.match(whole.body, { status: 'ready', servers: [{ resource: at('/0'), ready: true }, { resource: at('/1'), ready: true }, { resource: at('/2'), ready: true }] })

  await upstreams[1]?.stop()
  clock.advance(1_000)
  const partly = await read()
  t.equal(partly.status, 200, 'or a probe would take the other two out of service')
  t.match(partly.body, {
    status: 'partly ready',
    servers: [
      { resource: at('/0'), ready: true },
      { resource: at('/1'), ready: false, parts: [{ name: `keys of ${issuer.issuer}`, ready: true }, { name: `upstream ${upstreams[1]?.origin}/mcp`, ready: false, state: 'ECONNREFUSED' }] },
      { resource: at('/2'), ready: true }
    ]
  })

  const about = (path: string): Promise<Readiness> => read(`?resource=${encodeURIComponent(at(path))}`)
  t.match(await about('/0'), { status: 200, body: { status: 'ready', servers: [{ resource: at('/0') }] } })
  t.match(await about('/1'), { status: 503, body: { status: 'not ready', servers: [{ resource: at('/1') }] } })
  t.equal((await about('/1')).body.servers.length, 1)
  for (const query of ['?resource=', '?resource=x', `?resource=${at('/0')}/`, `?resource=${at('/0')}&resource=${at('/1')}`]) {
    t.match(await read(query), { status: 404, body: { status: 'unknown' } }, query)
  }

  await Promise.all([upstreams[0]?.stop(), upstreams[2]?.stop()])
  clock.advance(1_000)
  t.match(await read(), { status: 503, body: { status: 'not ready' } })
  t.strictSame(upstreams.flatMap(({ received }) => received), [], 'no upstream was sent a request')
})

t.test('O7: a server can serve while the tokens of one authorization server can be checked', async (t) => {
  const [working, dead] = [await startIssuer(t), await startIssuer(t)]
  await dead.stop()
  const { origin } = await startUpstream(t)
  const server = (path: string, ...issuers: string[]): object => (
    { resource: at(path), upstream: `${origin}/mcp`, authorizationServers: issuers }
  )
  const read = await startGateway(t, [server('/both', working.issuer, dead.issuer), server('/dead', dead.issuer), server('/working', working.issuer)])
  const { status, body } = await read()
  t.equal(status, 200)
  t.match(body, {
    status: 'partly ready',
    servers: [
      { ready: true, parts: [{ state: 'fresh' }, { name: `keys of ${dead.issuer}`, ready: false, state: 'never' }, {}] },
      { ready: false, parts: [{ ready: false, state: 'never' }, { ready: true, state: 'reachable' }] },
      { ready: true }
    ]
  })
})

t.test('O7: many probes at the same time are one connection to an upstream, and none is left open', async (t) => {
  const clock = createTestClock()
  const issuer = await startIssuer(t)
  const upstream = await startUpstream(t)
  const read = await startGateway(t, ['/a', '/b'].map((path) => (
    { resource: at(path), upstream: upstream.origin + path, authorizationServers: [issuer.issuer] }
  )), clock)
  await Promise.all(Array.from({ length: 20 }, () => read()))
  await read()
  t.equal(upstream.accepted(), 1)
  clock.advance(1_000)
  await read()
  t.equal(upstream.accepted(), 2)
  clock.advance(-10_000)
  await read()
  t.equal(upstream.accepted(), 3, 'a clock that is set back does not make it last for ever')
  await until(() => upstream.connections() === 0, 'none is left open')
})
