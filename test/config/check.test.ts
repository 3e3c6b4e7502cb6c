import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import type { Test } from 'tap'
import { MINIMAL } from '../helpers/configuration.js'
import { load, problemsWith } from './config-file.js'

const LOGIN = 'https://login.example'

function pem (type: 'pkcs8' | 'pkcs1', passphrase?: string): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return privateKey.export({ type, format: 'pem', ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }) }).toString()
}

/** As a test's name: TAP ends a line at more characters than JSON escapes. */
function show (members: object): string {
  return JSON.stringify(members).replace(/[^ -~]/g, (char) => `<${char.charCodeAt(0).toString(16)}>`)
}

/** Each row is laid over the smallest useful file, and must give this one problem and no other. */
async function refuses (t: Test, rows: readonly (readonly [object, string])[]): Promise<void> {
  for (const [members, problem] of rows) {
    t.strictSame(await problemsWith(t, members), [problem], show(members))
  }
}

async function accepts (t: Test, rows: readonly object[]): Promise<void> {
  for (const members of rows) t.strictSame(await problemsWith(t, members), [], show(members))
}

t.test('a resource is an absolute http(s) URL as clients spell it', async (t) => {
  const normal = 'resource: must not have dot segments, or characters that a URL must encode, in its path'
  const simple = "resource: must have a simple path: no empty segments, and only letters, digits and -._~!$&'()+,;=@"
  const shared = 'resource: must not be under /health or /.well-known: these paths are public'
  await refuses(t, [
    [{ resource: 'https://mcp.example/mcp#top' }, 'resource: must not have a fragment (#…)'],
    [{ resource: 'https://mcp.example/mcp?' }, 'resource: must not have a query (?…)'],
    [{ resource: 'https://mcp.example/mcp?tenant=1' }, 'resource: must not have a query (?…)'],
    [{ resource: 'https://me@mcp.example/mcp' }, 'resource: must not hold a user name or password'],
    [{ resource: 'https://@mcp.example/mcp' }, 'resource: must not hold a user name or password'],
    [{ resource: 'https://https://mcp.example/mcp' }, 'resource: has its scheme twice'],
    [{ resource: 'https://https//mcp.example/mcp' }, 'resource: has its scheme twice'],
    [{ resource: 'https:///mcp' }, 'resource: has no host'],
    [{ resource: 'https://mcp.example:99999/mcp' }, 'resource: is not a valid URL'],
    [{ resource: 'https://mcp.example\\mcp' }, 'resource: is not a valid URL'],
    [{ resource: 'https://mcp.example/m cp' }, 'resource: may hold visible ASCII characters only: percent-encode others, and write the host in its xn-- form'],
    [{ resource: 'https://mcp.example/mcp\n' }, 'resource: may hold visible ASCII characters only: percent-encode others, and write the host in its xn-- form'],
    [{ resource: 'https://mçp.example/mcp' }, 'resource: may hold visible ASCII characters only: percent-encode others, and write the host in its xn-- form'],
    [{ resource: 'https://mcp.example/a/../mcp' }, normal],
    [{ resource: 'https://mcp.example/a/%2e%2e/mcp' }, normal],
    [{ resource: 'https://MCP.example/a/..' }, normal],
    [{ resource: 'https://mcp.example/"mcp"' }, normal],
    // The router would take these for parameters, or decode them into another path.
    [{ resource: 'https://mcp.example/:mcp' }, simple],
    [{ resource: 'https://mcp.example/*' }, simple],
    [{ resource: 'https://mcp.example/a%2fb' }, simple],
    [{ resource: 'https://mcp.example//mcp' }, simple],
    [{ resource: 'https://mcp.example/health' }, shared],
    [{ resource: 'https://mcp.example/health/mcp' }, shared],
    [{ resource: 'https://mcp.example/.well-known/mcp' }, shared],
    [{ resource: 'https://mcp.example/.Well-Known' }, shared]
  ])
  await accepts(t, [
    { resource: 'https://mcp.example' }, { resource: 'https://mcp.example/' }, { resource: 'https://mcp.example/mcp/' },
    { resource: 'https://mcp.example/healthy' }, { resource: 'https://mcp.example/a/health' }, { resource: 'http://[::1]:3002/mcp' }
  ])
})

t.test('an upstream is an http(s) URL without secrets in it', async (t) => {
  await refuses(t, [
    [{ upstream: 'http://me:key@upstream:8080/mcp' }, 'upstream: must not hold a user name or password; for a key of the upstream use upstreamHeaders'],
    [{ upstream: 'http://upstream:8080/mcp?key=1' }, 'upstream: must not have a query (?…); for a key of the upstream use upstreamHeaders'],
    [{ upstream: 'http://upstream:8080/mcp#x' }, 'upstream: must not have a fragment (#…)'],
    [{ upstream: 'ftp://upstream/' }, 'upstream: must be an absolute URL that starts with https:// or http://']
  ])
  await accepts(t, [{ upstream: 'https://upstream.example' }, { upstream: 'http://upstream:3002/mcp' }, { upstream: 'http://127.0.0.1:3003/mcp' }])
})

t.test('an upstream that is the gateway itself is refused', async (t) => {
  const problem = 'upstream: is the gateway itself: give the upstream a port or host of its own'
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]', '0.0.0.0', '[::]', 'LOCALHOST']) {
    for (const listen of ['127.0.0.1', 'localhost', '0.0.0.0', '::', '::1']) {
      t.strictSame(await problemsWith(t, { upstream: `http://${host}:4000/other` }, { host: listen, port: 4000 }), [problem], `${host} ${listen}`)
    }
  }
  t.strictSame(await problemsWith(t, { upstream: 'http://10.1.2.3/x' }, { host: '10.1.2.3', port: 80 }), [problem])
  t.strictSame(await problemsWith(t, { upstream: 'https://10.1.2.3/x' }, { host: '10.1.2.3', port: 443 }), [problem])
  t.strictSame(await problemsWith(t, { upstream: 'http://10.1.2.4/x' }, { host: '10.1.2.3', port: 80 }), [])
  // Its own public URL, whatever it listens on.
  await refuses(t, [
    [{ resource: 'https://mcp.example/mcp', upstream: 'https://mcp.example/mcp' }, problem],
    [{ resource: 'https://mcp.example/mcp', upstream: 'https://mcp.example/mcp/inner' }, problem],
    [{ resource: 'https://mcp.example', upstream: 'https://mcp.example/inner' }, problem]
  ])
  await accepts(t, [{ resource: 'https://mcp.example/mcp', upstream: 'https://mcp.example/mcp-inner' }])
})

t.test('authorization servers are reached over https, unless on loopback or allowed', async (t) => {
  const refused = 'must be https, because its host is not loopback; inside a private network "allowHttp": true permits http'
  const server = (members: object) => ({ authorizationServers: [{ issuer: LOGIN, ...members }] })
  await refuses(t, [
    [{ authorizationServers: ['http://login.example'] }, `authorizationServers[0]: ${refused}`],
    [{ authorizationServers: ['http://localhost.login.example'] }, `authorizationServers[0]: ${refused}`],
    [{ authorizationServers: ['http://authlocalhost:9000'] }, `authorizationServers[0]: ${refused}`],
    [server({ issuer: 'http://login.example' }), `authorizationServers[0].issuer: ${refused}`],
    [server({ issuers: ['http://old.example'] }), `authorizationServers[0].issuers[0]: ${refused}`],
    [server({ advertise: 'http://login.example' }), `authorizationServers[0].advertise: ${refused}`],
    [server({ metadataUrl: 'http://login.example/m' }), `authorizationServers[0].metadataUrl: ${refused}`],
    [server({ jwksUri: 'http://login.example/k' }), `authorizationServers[0].jwksUri: ${refused}`],
    [server({ introspection: { clientId: 'a', clientSecret: 'b', endpoint: 'http://login.example/i' } }), `authorizationServers[0].introspection.endpoint: ${refused}`],
    [server({ issuer: 'https://login.example?tenant=1' }), 'authorizationServers[0].issuer: must not have a query (?…)'],
    [server({ jwksUri: 'https://a:b@login.example/k' }), 'authorizationServers[0].jwksUri: must not hold a user name or password'],
    [server({ issuers: ['a b'] }), 'authorizationServers[0].issuers[0]: may hold visible ASCII characters only']
  ])
  await accepts(t, [
    { authorizationServers: ['http://localhost:9000', 'http://127.0.0.1:9000', 'http://[::1]:9000'] },
    { authorizationServers: ['http://auth.localhost:9000'] },
    server({ issuer: 'http://keycloak:8080/realms/r', jwksUri: 'http://keycloak:8080/keys', allowHttp: true }),
    server({ jwksUri: 'https://login.example/keys?version=2' })
  ])
})

t.test('an issuer is named once', async (t) => {
  await refuses(t, [
    [{ authorizationServers: [LOGIN, LOGIN] }, 'authorizationServers[1]: is the same issuer as authorizationServers[0]: name each one once'],
    [{ authorizationServers: [LOGIN, { issuer: 'https://b.example', issuers: [LOGIN] }] }, 'authorizationServers[1].issuers[0]: is the same issuer as authorizationServers[0]: name each one once'],
    [{ authorizationServers: [{ issuer: LOGIN, issuers: [LOGIN] }] }, 'authorizationServers[0].issuers[0]: is the same issuer as authorizationServers[0].issuer: name each one once']
  ])
  // `iss` is compared exactly, so these are two.
  await accepts(t, [{ authorizationServers: [LOGIN, `${LOGIN}/`] }])
})

t.test('client ids stand in for an audience, never beside one', async (t) => {
  await refuses(t, [[
    { authorizationServers: [{ issuer: LOGIN, clientIds: ['a'], audience: ['b'] }] },
    'authorizationServers[0].clientIds: excludes "audience": client ids are for tokens that have no audience; keep one of the two'
  ]])
  await accepts(t, [{ authorizationServers: [{ issuer: LOGIN, clientIds: ['a'] }] }])
})

t.test('introspection has exactly one usable credential', async (t) => {
  const using = (members: object) => ({ authorizationServers: [{ issuer: LOGIN, introspection: { clientId: 'postern', ...members } }] })
  const unusable = 'authorizationServers[0].introspection.privateKey: is not an unencrypted PKCS #8 key in PEM form ("-----BEGIN PRIVATE KEY-----"): convert it with `openssl pkcs8 -topk8 -nocrypt`, and keep its line breaks'
  const key = pem('pkcs8')
  const exchangeKey = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await refuses(t, [
    [using({}), 'authorizationServers[0].introspection: needs "clientSecret" or "privateKey"'],
    [using({ clientSecret: 'a', privateKey: key }), 'authorizationServers[0].introspection: must have only one of "clientSecret" and "privateKey"'],
    [using({ privateKey: 'key' }), unusable],
    [using({ privateKey: key.replaceAll('\n', '\\n') }), unusable],
    [using({ privateKey: pem('pkcs1') }), unusable],
    [using({ privateKey: pem('pkcs8', 'passphrase') }), unusable],
    [using({ privateKey: exchangeKey }), 'authorizationServers[0].introspection.privateKey: is a key that cannot sign: use an RSA, P-256, P-384, P-521 or Ed25519 key']
  ])
  await accepts(t, [using({ clientSecret: 'a' }), using({ privateKey: key })])
})

t.test('origins are spelt as browsers send them', async (t) => {
  const no = 'origins[0]: is not an origin: write scheme://host or scheme://host:port, without a path or a slash at the end'
  const spelling = 'origins[0]: is not spelt as browsers send it: host in lower case, no default port'
  await refuses(t, [
    [{ origins: ['https://app.example/'] }, no],
    [{ origins: ['https://app.example/path'] }, no],
    [{ origins: ['https://me@app.example'] }, no],
    [{ origins: ['app.example'] }, no],
    [{ origins: ['https://'] }, no],
    [{ origins: ['NULL'] }, no],
    [{ origins: ['https://app.example '] }, no],
    [{ origins: ['https://*.app.example'] }, 'origins[0]: cannot hold a wildcard: list each origin, or only "*" for all'],
    [{ origins: ['https://App.example'] }, spelling],
    [{ origins: ['https://app.example:443'] }, spelling]
  ])
  await accepts(t, [{ origins: ['https://app.example', 'http://localhost:6274', 'null', 'vscode-webview://0abc', 'chrome-extension://abcdef'] }, { origins: ['*'] }])
})

t.test('hosts are names or addresses with an optional port', async (t) => {
  const no = 'hosts[0]: is not a host name or address, with :port if it is not the default one'
  await refuses(t, [
    [{ hosts: ['https://mcp.example'] }, no],
    [{ hosts: ['mcp.example/'] }, no],
    [{ hosts: ['mcp.example:port'] }, no],
    [{ hosts: ['mcp.example:70000'] }, no],
    [{ hosts: ['::1'] }, no],
    [{ hosts: ['a b'] }, no],
    [{ hosts: ['*.mcp.example'] }, 'hosts[0]: cannot hold a wildcard: list each host']
  ])
  await accepts(t, [{ hosts: ['mcp.example', 'mcp.example:8443', '[::1]:3002', '10.0.0.1', 'my_service'] }])
})

t.test('trusted proxies are addresses, ranges or short names', async (t) => {
  const no = 'trustedProxies[0]: is not an address, a range such as 10.0.0.0/8, "loopback" or "private"; names of hosts are not looked up'
  const all = 'trustedProxies[0]: is every address: every client could choose the address that the log has'
  await refuses(t, [
    ...['proxy.example', '10.0.0.0/33', '10.0.0.1:80', '::ffff:10.0.0.1', 'uniquelocal', '*'].map((proxy) => [{ trustedProxies: [proxy] }, no] as const),
    [{ trustedProxies: ['0.0.0.0/0'] }, all],
    [{ trustedProxies: ['::/0'] }, all]
  ])
  await accepts(t, [{ trustedProxies: ['loopback', 'private', '100.64.0.0/10', '2001:db8::/32', '192.0.2.1'] }])
})

t.test('upstream headers cannot break the request or speak for the gateway', async (t) => {
  const reserved = ['Host', 'content-length', 'Transfer-Encoding', 'Connection', 'keep-alive', 'TE', 'Trailer', 'Upgrade', 'Expect', 'Proxy-Authorization', 'Content-Type', 'Content-Encoding', 'X-Postern-Subject', 'x-postern-anything', 'Mcp-Method', 'MCP-Protocol-Version', 'Mcp-Session-Id']
  await refuses(t, [
    ...reserved.map((name) => [{ upstreamHeaders: { [name]: 'x' } }, `upstreamHeaders${/-/.test(name) ? `["${name}"]` : `.${name}`}: is a header that only the gateway sets`] as const),
    [{ upstreamHeaders: { 'bad name': 'x' } }, 'upstreamHeaders["bad name"]: is not a valid header name (RFC 9110 §5.1)'],
    [{ upstreamHeaders: { '': 'x' } }, 'upstreamHeaders[""]: is not a valid header name (RFC 9110 §5.1)'],
    [{ upstreamHeaders: { 'a\r\nb': 'x' } }, 'upstreamHeaders["a\\r\\nb"]: is not a valid header name (RFC 9110 §5.1)'],
    ...['x\ny', 'x\ry', 'x\n', 'x\0', 'x\u2028'].map((value) => [
      { upstreamHeaders: { Key: value } },
      'upstreamHeaders.Key: has a value with characters that a header cannot hold, such as a line break at its end'
    ] as const),
    [{ upstreamHeaders: { 'X-Key': 'a', 'x-key': 'b' } }, 'upstreamHeaders["x-key"]: appears twice: letter case does not count in header names']
  ])
  await accepts(t, [{ upstreamHeaders: { Authorization: 'Bearer x', 'X-Api-Key': 'y', 'X-Forwarded-Proto': 'https' } }])
})

t.test('headers that MCP needs at the upstream cannot be removed', async (t) => {
  const needed: ReadonlyArray<readonly [entry: string, removes: string]> = [
    ['Accept', 'accept'], ['acc*', 'accept'], ['Content-*', 'content-type'], ['Last-Event-ID', 'last-event-id'],
    ['mcp-name', 'mcp-*'], ['Mcp-Param-Region', 'mcp-*'], ['MCP-*', 'mcp-*'], ['m*', 'mcp-*']
  ]
  const malformed = ['', '*', 'x-*-y', 'X_User', 'x user', 'x:', '**'].map((entry) => [
    { removeHeaders: [entry] },
    'removeHeaders[0]: must be a header name of letters, digits and hyphens, or the beginning of one and *'
  ] as const)
  await refuses(t, [
    ...needed.map(([entry, removes]) => [
      { removeHeaders: ['X-Corp-User', entry] }, `removeHeaders[1]: removes ${removes}, which MCP needs at the upstream`
    ] as const),
    ...malformed
  ])
  await accepts(t, [{ removeHeaders: ['X-Corp-User', 'x-sso-*', 'Accept-Language', 'Accept-*', 'mcpx', 'Cookie'] }])
})

t.test('metadata may repeat what the gateway publishes, not contradict it', async (t) => {
  const metadata = (members: object) => ({ metadata: members })
  await refuses(t, [
    [metadata({ resource: 'http://localhost:3002/' }), 'metadata.resource: contradicts the value that the gateway derives: remove it'],
    [metadata({ authorization_servers: ['http://localhost:9001'] }), 'metadata.authorization_servers: contradicts the value that the gateway derives: remove it'],
    [metadata({ authorization_servers: 'http://localhost:9000' }), 'metadata.authorization_servers: contradicts the value that the gateway derives: remove it'],
    [metadata({ bearer_methods_supported: ['header', 'query'] }), 'metadata.bearer_methods_supported: contradicts the value that the gateway derives: remove it']
  ])
  await accepts(t, [
    metadata({ resource: MINIMAL.resource, authorization_servers: ['http://localhost:9000'], bearer_methods_supported: ['header'], resource_policy_uri: 'https://x.example' }),
    { ...metadata({ authorization_servers: ['https://public.example'] }), authorizationServers: [{ issuer: LOGIN, advertise: 'https://public.example' }] }
  ])
})

t.test('the second listener has a port of its own', async (t) => {
  const problem = 'admin.port: is the port that the gateway itself listens on: choose another one'
  t.strictSame(await problemsWith(t, { admin: { port: 3002 } }), [problem])
  t.strictSame(await problemsWith(t, { admin: { port: 3002, host: '0.0.0.0' } }), [problem])
  t.strictSame(await problemsWith(t, { admin: { port: 3003 } }), [])
  t.strictSame(await problemsWith(t, { admin: { port: 0 } }, { port: 0 }), [])
  t.strictSame((await load(t, { ...MINIMAL, admin: { port: 3003 } })).config.admin, { host: '127.0.0.1', port: 3003 })
})

t.test('P4: what is allowed but seldom meant is a warning', async (t) => {
  const rows: readonly (readonly [object, readonly string[]])[] = [
    [{ policy: { tools: { a: true }, unlisted: { tools: 'allow' } } }, ['policy.unlisted: every tool that no rule names is allowed for every accepted token']],
    [{ policy: { unlisted: 'allow' } }, ['policy.unlisted: every tool, MCP resource, and prompt that no rule names is allowed for every accepted token']],
    [{ policy: { methods: { 'tasks/get': true } } }, ['policy: names no tool, MCP resource or prompt: every call of one is denied']],
    [{ resource: 'http://mcp.example/mcp' }, ['resource: is plain http on a host that is not loopback: tokens travel in the clear; publish it under https']],
    [{ resource: 'https://MCP.example:443/Mcp/' }, ['resource: becomes https://mcp.example/Mcp/ in most clients: write it that way, or list that as an audience, too']],
    [{ resource: 'https://MCP.example' }, ['resource: becomes https://mcp.example/ in most clients: write it that way, or list that as an audience, too']],
    [{ origins: ['https://a.example', '*'] }, ['origins: allows pages of every origin to call']],
    [{ authorizationServers: [LOGIN, { issuer: 'http://login', allowHttp: true }] }, ['authorizationServers[1].allowHttp: allows keys to be fetched over plain http: anyone who can change that traffic can make tokens']],
    [{ defaultScopes: ['a', 'openid'], metadata: { scopes_supported: ['offline_access'] } }, [
      'defaultScopes: names openid, which is not a scope of a resource: it is left out',
      'metadata.scopes_supported: names offline_access, which is not a scope of a resource: it is left out'
    ]]
  ]
  for (const [members, warnings] of rows) {
    t.strictSame((await load(t, { ...MINIMAL, ...members })).warnings, warnings)
  }
})
