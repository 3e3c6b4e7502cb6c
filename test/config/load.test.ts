import t from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configFrom } from '../../src/config/complete.js'
import { loadConfig } from '../../src/config/load.js'
import { ConfigError } from '../../src/config/problem.js'
import { MINIMAL, writeConfig } from '../helpers/configuration.js'
import { load, loadServer, onlyServer, problemsOf, problemsWith } from './config-file.js'

t.test('the smallest useful file gets every default', async (t) => {
  const file = writeConfig(t, MINIMAL).file
  const loaded = await loadConfig({ file, env: {} })
  t.strictSame(loaded, {
    source: file,
    file,
    warnings: [],
    logFormat: 'auto',
    config: {
      listen: { host: '127.0.0.1', port: 3002 },
      logLevel: 'info',
      limits: { connections: 2000, headerBytes: 32768, drainMs: 10000 },
      servers: [{
        resource: 'http://localhost:3002/mcp',
        upstream: 'http://localhost:8080/mcp',
        authorizationServers: [{
          issuer: 'http://localhost:9000',
          issuers: [],
          algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
          scopeClaim: ['scope', 'scp', 'scopes'],
          allowHttp: false
        }],
        strictAudience: false,
        clockToleranceSeconds: 30,
        tokenCacheSeconds: 60,
        policy: {
          tools: { list_todos: 'todo:read' },
          resources: {},
          prompts: {},
          methods: {},
          implies: {},
          unlisted: { tools: 'deny', resources: 'deny', prompts: 'deny' },
          filterLists: true
        },
        defaultScopes: [],
        metadata: {},
        origins: [],
        trustedProxies: [],
        identityHeaders: { subject: true, clientId: true, issuer: true, scopes: true },
        upstreamHeaders: {},
        removeHeaders: [],
        preserveHost: false,
        limits: { bodyBytes: 4194304, upstreamTimeoutMs: 60000 },
        session: {},
        streams: { endAtTokenExpiry: true }
      }]
    }
  })
})

t.test('config.example.json is valid and without warnings', async (t) => {
  const { warnings, config } = await loadConfig({ file: 'config.example.json', env: {} })
  t.strictSame(warnings, [])
  t.equal(onlyServer(config).resource, 'http://localhost:3002/mcp')
})

t.test('an issuer may be an object with every option', async (t) => {
  const server = await loadServer(t, {
    authorizationServers: [{
      issuer: 'https://login.example',
      issuers: ['https://old.example', 'name-without-scheme/1'],
      advertise: 'https://public.example',
      metadataUrl: 'https://login.example/metadata?x=1',
      jwksUri: 'https://login.example/keys',
      algorithms: ['ES256'],
      audience: ['a'],
      scopeClaim: 'realm_access.roles',
      allowHttp: false,
      introspection: { clientId: 'postern', clientSecret: 'secret', cacheSeconds: 0 }
    }]
  })
  t.strictSame(server.authorizationServers, [{
    issuer: 'https://login.example',
    issuers: ['https://old.example', 'name-without-scheme/1'],
    advertise: 'https://public.example',
    metadataUrl: 'https://login.example/metadata?x=1',
    jwksUri: 'https://login.example/keys',
    algorithms: ['ES256'],
    audience: ['a'],
    scopeClaim: ['realm_access.roles'],
    allowHttp: false,
    introspection: { clientId: 'postern', clientSecret: 'secret', cacheSeconds: 0 }
  }])
})

t.test('short forms are written out', async (t) => {
  const [first, second] = ['1'.repeat(32), '2'.repeat(32)]
  t.match(await loadServer(t, { session: { key: first } }), { session: { key: [first] } })
  t.match(await loadServer(t, { session: { key: [first, second] } }), { session: { key: [first, second] } })
  t.match(await loadServer(t, { identityHeaders: false }), {
    identityHeaders: { subject: false, clientId: false, issuer: false, scopes: false }
  })
  t.match(await loadServer(t, { identityHeaders: { issuer: false } }), {
    identityHeaders: { subject: true, clientId: true, issuer: false, scopes: true }
  })
  t.match(await loadServer(t, { policy: { unlisted: 'allow' } }), { policy: { unlisted: { tools: 'allow', resources: 'allow', prompts: 'allow' } } })
  t.match(await loadServer(t, { policy: { unlisted: { prompts: 'allow' } } }), { policy: { unlisted: { tools: 'deny', resources: 'deny', prompts: 'allow' } } })
})

t.test('flags beat the environment', async (t) => {
  const { config } = await load(t, MINIMAL, { host: '::', port: 4000, env: { HOST: '10.0.0.1', PORT: '5000', LOG_LEVEL: 'debug' } })
  t.strictSame(config.listen, { host: '::', port: 4000 })
  t.equal(config.logLevel, 'debug')
})

t.test('--config beats POSTERN_CONFIG', async (t) => {
  const file = writeConfig(t, MINIMAL).file
  const loaded = await loadConfig({ file, env: { POSTERN_CONFIG: join(t.testdirName, 'other.json') } })
  t.equal(loaded.file, file)
  t.equal((await loadConfig({ env: { POSTERN_CONFIG: file } })).file, file)
})

t.test('variables and flags that make no sense are problems at their own place', async (t) => {
  t.strictSame(await problemsWith(t, {}, { env: { PORT: '70000', HOST: 'http://localhost', LOG_LEVEL: 'loud' } }), [
    'HOST: must be a host name or an IP address, without scheme, brackets and port',
    'PORT: must be a whole number from 0 to 65535',
    'LOG_LEVEL: must be one of fatal, error, warn, info, debug, trace, silent'
  ])
  t.match(await problemsWith(t, {}, { port: NaN, host: '' }), [/^--host: /, /^--port: /])
})

t.test('blank variables count as unset, quotes and white space around a value are dropped', async (t) => {
  const { config } = await load(t, MINIMAL, { env: { HOST: ' ', PORT: '"4000"\r', LOG_LEVEL: "'WARNING'" } })
  t.strictSame(config.listen, { host: '127.0.0.1', port: 4000 })
  t.equal(config.logLevel, 'warn')
})

t.test('a file that was named must exist, even when the environment holds a complete set-up', async (t) => {
  const file = join(t.testdir(), 'missing.json')
  const env = { SCALEKIT_ENVIRONMENT_URL: 'https://a.example', SCALEKIT_RESOURCE_ID: 'res_1', MCP_URL: 'http://localhost:3002/', UPSTREAM_URL: 'http://localhost:8080/mcp' }
  const expected = [`${file}: there is no such configuration file`]
  t.strictSame(await problemsOf(loadConfig({ file, env })), expected)
  t.strictSame(await problemsOf(loadConfig({ env: { ...env, POSTERN_CONFIG: file } })), expected)
})

t.test('a file that cannot be read is a problem that says why', async (t) => {
  const directory = t.testdir()
  t.strictSame(await problemsOf(loadConfig({ file: directory, env: {} })), [`${directory}: cannot be read (EISDIR)`])
})

t.test('without a --config, ./config.json is the file', async (t) => {
  const directory = join(t.testdir(), 'cwd')
  mkdirSync(directory)
  const before = process.cwd()
  t.teardown(() => process.chdir(before))
  process.chdir(directory)
  const nothing = await problemsOf(loadConfig({ env: { UPSTREAM_URL: 'http://localhost:8080/mcp' } }))
  t.equal(nothing.length, 1)
  t.match(nothing[0], /^\.\/config\.json: .*config\.example\.json.*--config.*POSTERN_CONFIG.*UPSTREAM_URL/)
  writeFileSync('config.json', JSON.stringify(MINIMAL))
  t.equal((await loadConfig({ env: {} })).source, './config.json')
  // An unreadable default file must not silently hand over to the environment.
  writeFileSync('config.json', '{')
  t.match(await problemsOf(loadConfig({ env: {} })), [/^1:2: /])
})

t.test('a syntax error has line and column', async (t) => {
  t.match(await problemsOf(load(t, '{\n  "résource": "x" "y"\n}')), [/^2:19: is not JSON/])
  t.match(await problemsOf(load(t, '')), [/^1:1: /])
  t.match(await problemsOf(load(t, '{"a": 1} // comment')), [/^1:10: .*comments are not allowed/])
  t.match(await problemsOf(load(t, Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]))), [/^1:1: .*byte order mark/])
  t.match(await problemsOf(load(t, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))), [/^1:3: .*UTF-8/])
})

t.test('a member that is there twice is refused wherever it is', async (t) => {
  t.match(await problemsOf(load(t, '{"policy": {"tools": {"a": "x",\n "\\u0061": true}}}')), [/^2:2: repeats a member/])
})

t.test('the error lists every problem, one per line', async (t) => {
  const loading = load(t, { resource: 5, upstream: 'http://u:p@h/', authorizationServers: ['http://a.example'], polizy: {} }, { env: { PORT: 'x' } })
  const error = await loading.then(() => undefined, (reason: unknown) => reason)
  if (!(error instanceof ConfigError)) throw error
  t.strictSame(error.problems.map(({ place }) => place), ['PORT', 'polizy', 'resource', 'upstream', 'authorizationServers[0]'])
  t.strictSame(error.message.split('\n'), error.problems.map(({ place, message }) => `${place}: ${message}`))
})

t.test('variables of a set-up without effect beside a file are a warning, unless the file refers to them', async (t) => {
  const env = { UPSTREAM_URL: 'http://localhost:8081/mcp', TOOL_SCOPES: '{}' }
  const { warnings, config } = await load(t, { ...MINIMAL, upstream: '${UPSTREAM_URL}' }, { env }) // eslint-disable-line no-template-curly-in-string
  t.equal(onlyServer(config).upstream, 'http://localhost:8081/mcp')
  t.equal(warnings.length, 1)
  t.match(warnings[0], /TOOL_SCOPES set without effect/)
  t.notMatch(warnings[0], /UPSTREAM_URL/)
})

t.test('problems of the policy are listed with the others, where the policy is written', async (t) => {
  const cycle = { implies: { a: ['b'], b: ['a'] } }
  t.strictSame(await problemsWith(t, { policy: { tools: { b: [] }, ...cycle }, origins: ['*.example'] }), [
    'policy.tools.b: must not be empty: list at least one, or leave the option out',
    'origins[0]: cannot hold a wildcard: list each origin, or only "*" for all',
    'policy.implies.a: a → b → a is a cycle'
  ])
  const { resource, upstream, ...defaults } = MINIMAL
  const servers = [
    { resource: `${resource}/a`, upstream }, { resource: `${resource}/b`, upstream },
    { resource: `${resource}/c`, upstream, policy: cycle }
  ]
  t.strictSame(await problemsOf(load(t, { ...defaults, policy: cycle, servers })), [
    'policy.implies.a: a → b → a is a cycle', 'servers[2].policy.implies.a: a → b → a is a cycle'
  ])
})

t.test('a value in memory is read like a file, but without variables', (t) => {
  const settings = { host: '127.0.0.1', port: 0, logLevel: 'warn' }
  const config = configFrom({ ...MINIMAL, metadata: { resource_name: '$$' } }, settings)
  t.strictSame(config.listen, { host: '127.0.0.1', port: 0 })
  t.strictSame(onlyServer(config).metadata, { resource_name: '$$' })
  t.throws(() => configFrom({ ...MINIMAL, upstream: 5, x: 1 }, settings), { name: 'ConfigError', problems: [{ place: 'x' }, { place: 'upstream' }] })
  t.end()
})
