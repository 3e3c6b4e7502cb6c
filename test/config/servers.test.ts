import t from 'tap'
import { load, problemsOf } from './config-file.js'

const LOGIN = 'https://login.example'

t.test('the top level holds defaults, an entry replaces them as a whole', async (t) => {
  const { config } = await load(t, {
    authorizationServers: [LOGIN],
    policy: { tools: { a: 'top' }, filterLists: false },
    limits: { bodyBytes: 2048, connections: 10, headerBytes: 20000, drainMs: 5 },
    strictAudience: true,
    servers: [
      { resource: 'https://mcp.example/a', upstream: 'http://a:8080/mcp' },
      { resource: 'https://mcp.example/b', upstream: 'http://b:8080/mcp', policy: { tools: { b: 'own' } }, limits: { upstreamTimeoutMs: 7 }, authorizationServers: ['https://other.example'] }
    ]
  })
  t.strictSame(config.limits, { connections: 10, headerBytes: 20000, drainMs: 5 })
  t.match(config.servers, [
    { strictAudience: true, authorizationServers: [{ issuer: LOGIN }], policy: { tools: { a: 'top' }, filterLists: false }, limits: { bodyBytes: 2048, upstreamTimeoutMs: 60000 } },
    { strictAudience: true, authorizationServers: [{ issuer: 'https://other.example' }], limits: { bodyBytes: 4194304, upstreamTimeoutMs: 7 } }
  ])
  t.strictSame(config.servers[1]?.policy.tools, { b: 'own' })
  t.equal(config.servers[1]?.policy.filterLists, true)
})

t.test('problems are placed where the option is written, and once', async (t) => {
  const entry = (path: string, members: object = {}) => ({ resource: `https://mcp.example/${path}`, upstream: 'http://up:8080/mcp', ...members })
  t.strictSame(await problemsOf(load(t, {
    authorizationServers: ['http://login.example'],
    origins: ['https://a.example/'],
    servers: [entry('a'), entry('b', { origins: ['https://b.example/'] }), entry('a/', { limits: { drainMs: 1 } }), entry('c', { admin: { port: 1 } })]
  })), [
    'servers[2].limits.drainMs: is not an option here; did you mean "limits.drainMs"?',
    'servers[3].admin: is not an option here; did you mean "admin"?',
    'origins[0]: is not an origin: write scheme://host or scheme://host:port, without a path or a slash at the end',
    'authorizationServers[0]: must be https, because its host is not loopback; inside a private network "allowHttp": true permits http',
    'servers[1].origins[0]: is not an origin: write scheme://host or scheme://host:port, without a path or a slash at the end',
    'servers[2].resource: has the same host and path as servers[0].resource: requests could not be told apart'
  ])
  t.strictSame(await problemsOf(load(t, { resource: 'https://mcp.example/a', servers: [entry('a')] })), [
    'resource: belongs in each entry of "servers", not beside it',
    'servers[0].authorizationServers: is required, here or once at the top level: it says whose tokens are accepted'
  ])
  t.strictSame(await problemsOf(load(t, { authorizationServers: [LOGIN], servers: [] })), ['servers: must not be empty: list at least one, or leave the option out'])
  const [missing, ...more] = await problemsOf(load(t, { authorizationServers: [LOGIN], servers: [{ upstream: 'http://up/' }] }))
  t.match(missing, /^servers\[0\]\.resource: is required: /)
  t.strictSame(more, [])
})

t.test('R7: resources with the same path need hosts that belong to one of them', async (t) => {
  type Entry = readonly [resource: string, hosts?: readonly string[]]
  const file = (entries: readonly Entry[], shared: object): object => ({
    authorizationServers: [LOGIN],
    policy: { tools: { a: 'b' } },
    ...shared,
    servers: entries.map(([resource, hosts]) => ({ resource, upstream: 'http://up:8080/mcp', ...(hosts === undefined ? {} : { hosts }) }))
  })
  const check = (entries: readonly Entry[], shared: object = {}): Promise<readonly string[]> => (
    problemsOf(load(t, file(entries, shared)))
  )
  const accepted: ReadonlyArray<readonly Entry[]> = [
    [['https://a.example/mcp'], ['https://b.example/mcp']],
    [['https://a.example/mcp'], ['https://b.example/mcp/']],
    [['https://a.example'], ['https://b.example/']],
    [['https://a.example/mcp'], ['https://a.example:8443/mcp']],
    [['http://a.localhost:3002/mcp'], ['http://b.localhost:3002/mcp']],
    [['https://a.example/mcp', ['c.example']], ['https://b.example/mcp', ['d.example']]],
    [['https://a.example/mcp', ['c.example']], ['https://a.example/x', ['c.example']], ['https://b.example/mcp']],
    // Paths tell them apart, so that nothing depends on hosts.
    [['https://a.example/x', ['c.example']], ['https://b.example/y', ['c.example']]]
  ]
  for (const entries of accepted) {
    const { config } = await load(t, file(entries, {}))
    t.equal(config.servers.length, entries.length, entries.map(([resource]) => resource).join())
  }
  const same = 'servers[1].resource: has the same host and path as servers[0].resource: requests could not be told apart'
  const twice = (place: string): string => `${place}: is a host of servers[0].resource, too: some resources have the same path, so each host must belong to one of them`
  t.strictSame(await check([['https://a.example/mcp'], ['https://A.example/mcp']]), [same])
  t.strictSame(await check([['https://a.example/mcp'], ['https://a.example:443/mcp/']]), [same])
  t.strictSame(await check([['https://a.example/mcp'], ['http://a.example/mcp']]), [same], 'Host has no scheme')
  t.strictSame(await check([['https://a.example/mcp'], ['http://a.example:443/mcp']]), [twice('servers[1].resource')])
  t.strictSame(await check([['https://a.example/mcp'], ['https://b.example/mcp', ['x.example', 'A.EXAMPLE']]]), [twice('servers[1].hosts[1]')])
  t.strictSame(await check([['https://a.example/mcp', ['b.example:443']], ['https://b.example/mcp']]), [twice('servers[0].hosts[0]')])
  t.strictSame(await check([['https://a.example/mcp', ['x.example']], ['https://b.example/mcp', ['x.example']]]), [twice('servers[1].hosts[0]')])
  t.strictSame(await check([['https://a.example/mcp'], ['https://b.example/mcp'], ['https://c.example/mcp']], { hosts: ['x.example'] }), [twice('hosts[0]')])
  t.strictSame(await check([['https://a.example/x', ['x.example']], ['https://b.example/mcp', ['x.example']], ['https://c.example/mcp']]), [twice('servers[1].hosts[0]')], 'a path of its own does not help')
})

t.test('an upstream that can be reached through another server is warned about', async (t) => {
  const warningsFor = async (
    ...servers: Array<readonly [path: string, upstream: string]>
  ): Promise<readonly string[]> => {
    const { warnings } = await load(t, {
      authorizationServers: [LOGIN],
      policy: { tools: { a: 'b' } },
      servers: servers.map(([path, upstream]) => ({ resource: `https://mcp.example${path}`, upstream }))
    })
    return warnings
  }
  const warning = 'servers[1].upstream: lies below servers[0].upstream: clients of that server reach this upstream, too, under the rules of that server'
  t.strictSame(await warningsFor(['/a', 'http://up:8080/'], ['/b', 'http://up:8080/admin']), [warning])
  t.strictSame(await warningsFor(['/a', 'http://up:8080/mcp'], ['/a/b', 'http://up:8080/mcp/c']), [warning])
  t.strictSame(await warningsFor(['/a', 'http://up:8080/mcp'], ['/a/b', 'http://up:8080/mcp/b']), [], 'the path leads to the server of its own')
  t.strictSame(await warningsFor(['/a', 'http://up:8080/mcp'], ['/b', 'http://up:8080/mcp']), [], 'two servers before one upstream')
  t.strictSame(await warningsFor(['/a', 'http://up:8080/mcp'], ['/b', 'http://up:8080/mcp2']), [])
  t.strictSame(await warningsFor(['/a', 'http://up:8080/'], ['/b', 'http://other:8080/x']), [])
})
