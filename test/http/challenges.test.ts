import t from 'tap'
import { UNREACHABLE_SERVER } from '../helpers/configuration.js'
import { startConfigured, toolCall } from '../helpers/gateway.js'
import { type RawResponse, send } from '../helpers/raw-http.js'
import { startScene } from '../helpers/scene.js'

const METADATA = 'http://127.0.0.1:1/.well-known/oauth-protected-resource/mcp'
const TYPE = { 'Content-Type': 'application/json' }
const MODERN = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': 'delete_todo' }

const MANY_SCOPES = Array.from({ length: 500 }, (_, i) => `scope:${i}`)

/**
 * The attributes of the one challenge; throws when there is not exactly one, or it is malformed (RFC 9110
 * §11.6.1).
 */
function readChallenge (response: RawResponse): Record<string, string> {
  const values = response.rawHeaders.filter((_, index) => index % 2 === 1 && response.rawHeaders[index - 1]?.toLowerCase() === 'www-authenticate')
  const [value = ''] = values
  if (values.length !== 1 || !/^Bearer [a-z_]+="(?:[^"\\]|\\.)*"(?:, [a-z_]+="(?:[^"\\]|\\.)*")*$/.test(value)) throw new Error(`not one challenge: ${JSON.stringify(values)}`)
  const attributes = [...value.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, text]) => [name as string, text as string] as const)
  if (new Set(attributes.map(([name]) => name)).size !== attributes.length) throw new Error('an attribute twice')
  return Object.fromEntries(attributes)
}

t.test('A8, A9: without credentials: 401 with a challenge that names no error', async (t) => {
  const table: readonly [
    name: string, config: object, headers: Record<string, string>, challenge: Record<string, string>
  ][] = [
    ['nothing known but the policy', {}, {}, { resource_metadata: METADATA, scope: 'todo:admin todo:read todo:write' }],
    ['published scopes', { metadata: { scopes_supported: ['a'] } }, {}, { resource_metadata: METADATA, scope: 'a' }],
    ['nothing known', { policy: { tools: { list_todos: true } } }, {}, { resource_metadata: METADATA }],
    [
      'more than fits into a header', { defaultScopes: [], metadata: { scopes_supported: MANY_SCOPES } }, {},
      { resource_metadata: METADATA }
    ],
    ['default scopes', { defaultScopes: ['todo:read', 'profile'] }, {}, { resource_metadata: METADATA, scope: 'todo:read profile' }],
    ['what is no scope of a resource is not asked for', { defaultScopes: ['openid', 'todo:read', 'offline_access'] }, {}, { resource_metadata: METADATA, scope: 'todo:read' }],
    ['modern headers name the operation', { defaultScopes: ['todo:read'] }, MODERN, { resource_metadata: METADATA, scope: 'todo:write todo:admin' }],
    ['and need not be true', { defaultScopes: ['todo:read'] }, { ...MODERN, 'Mcp-Name': 'list_todos' }, { resource_metadata: METADATA, scope: 'todo:read' }],
    ['an encoded name', {}, { ...MODERN, 'Mcp-Name': `=?base64?${Buffer.from('delete_todo').toString('base64')}?=` }, { resource_metadata: METADATA, scope: 'todo:write todo:admin' }],
    ['an operation that no scope allows', { defaultScopes: ['todo:read'] }, { ...MODERN, 'Mcp-Name': 'unlisted' }, { resource_metadata: METADATA, scope: 'todo:read' }],
    ['a later revision', {}, { ...MODERN, 'MCP-Protocol-Version': '2027-01-01' }, { resource_metadata: METADATA, scope: 'todo:write todo:admin' }],
    ['legacy headers name nothing', { defaultScopes: ['todo:read'] }, { ...MODERN, 'MCP-Protocol-Version': '2025-11-25' }, { resource_metadata: METADATA, scope: 'todo:read' }],
    ['no version', { defaultScopes: ['todo:read'] }, { 'Mcp-Method': 'tools/call', 'Mcp-Name': 'delete_todo' }, { resource_metadata: METADATA, scope: 'todo:read' }],
    ['another scheme is no credential of ours', {}, { Authorization: 'Basic dXNlcjpwYXNz' }, { resource_metadata: METADATA, scope: 'todo:admin todo:read todo:write' }]
  ]
  for (const [name, config, headers, challenge] of table) {
    const { url } = await startConfigured(t, {
      ...UNREACHABLE_SERVER, resource: 'http://127.0.0.1:1/mcp', policy: { tools: { list_todos: 'todo:read', delete_todo: ['todo:write', 'todo:admin'] } }, ...config
    })
    for (const method of ['POST', 'GET', 'DELETE']) {
      const response = await send(url, { method, target: '/mcp', headers })
      t.equal(response.status, 401, name)
      t.same(readChallenge(response), challenge, name)
      t.match(JSON.parse(response.body), { error: 'missing_token', error_description: /./ })
      t.match(response.headers['content-type'], /^application\/json/)
      t.equal(response.headers['cache-control'], 'no-store')
    }
  }
})

t.test('A8, A9: a bad token: 401 invalid_token, with the same scopes, whose precise reason only the log has', async (t) => {
  const { gateway, tokenWith } = await startScene(t, { config: { defaultScopes: ['todo:read'] } })
  const tokens: Readonly<Record<string, string>> = {
    'for another resource': await tokenWith({ aud: 'https://other.example' }),
    expired: await tokenWith({ exp: 1 }),
    'of another issuer': await tokenWith({ iss: 'https://evil.example' }),
    'an ID token': await tokenWith({ c_hash: 'n' }),
    forged: `${(await tokenWith({})).slice(0, -20)}${'A'.repeat(20)}`,
    opaque: 'opaque-token'
  }
  for (const [name, token] of Object.entries(tokens)) {
    const response = await send(gateway.origin, { method: 'POST', target: '/mcp', headers: { ...TYPE, Authorization: `Bearer ${token}` }, body: '{' })
    t.equal(response.status, 401, name)
    const { error_description: description, ...challenge } = readChallenge(response)
    t.same(challenge, { error: 'invalid_token', scope: 'todo:read', resource_metadata: `${gateway.origin}/.well-known/oauth-protected-resource/mcp` }, name)
    t.match(description, /./)
    t.same(JSON.parse(response.body), { error: 'invalid_token', error_description: description })
    t.notMatch(JSON.stringify(response), /evil|other|nonce|signature|audience/i, 'no reason')
  }
  const details = gateway.log.filter(({ reason }) => reason === 'invalid_token').map(({ client }) => (client as { detail: string }).detail)
  t.equal(new Set(details).size, Object.keys(tokens).length, 'each has a reason of its own in the log')
})

t.test('A1, A10: malformed credentials: 400 invalid_request', async (t) => {
  const { gateway, token } = await startScene(t)
  const variants: Readonly<Record<string, { target?: string, headers: readonly string[] }>> = {
    'two headers': { headers: [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`] },
    'two headers, one of another scheme': { headers: ['Authorization: Basic x', `authorization: Bearer ${token}`] },
    'a list': { headers: [`Authorization: Bearer ${token}, Bearer ${token}`] },
    'trailing junk': { headers: [`Authorization: Bearer ${token} x`] },
    'no token': { headers: ['Authorization: Bearer'] },
    'an empty token': { headers: ['Authorization: Bearer '] },
    'too long': { headers: [`Authorization: Bearer ${'x'.repeat(16_385)}`] },
    'a query token': { target: `/mcp?access_token=${token}`, headers: [] },
    'a query token beside a header': { target: '/mcp?a&access%5Ftoken=x', headers: [`Authorization: Bearer ${token}`] }
  }
  for (const [name, { target = '/mcp', headers }] of Object.entries(variants)) {
    const response = await send(gateway.origin, { method: 'POST', target, headers: [...headers, 'Content-Type: application/json'], body: JSON.stringify(toolCall('list_todos')) })
    t.equal(response.status, 400, name)
    t.match(readChallenge(response), { error: 'invalid_request' }, name)
    t.match(JSON.parse(response.body), { error: 'invalid_request', error_description: /./ })
  }
})

t.test('A1: the scheme may be spelt in any case', async (t) => {
  const { gateway, token } = await startScene(t)
  for (const scheme of ['bearer', 'BEARER', 'bEaReR']) {
    t.equal((await send(gateway.origin, { target: '/mcp', headers: { Authorization: `${scheme} ${token}` } })).status, 202)
  }
})

t.test('A6: an authorization server that was never reached: 503 with Retry-After, and no challenge', async (t) => {
  const { gateway, token, issuer } = await startScene(t)
  await issuer.stop()
  const response = await send(gateway.origin, { target: '/mcp', headers: { Authorization: `Bearer ${token}` } })
  t.equal(response.status, 503)
  t.match(response.headers['retry-after'], /^[1-9]\d*$/)
  t.equal(response.headers['www-authenticate'], undefined)
  t.match(JSON.parse(response.body), { error: 'authorization_server_unavailable' })
  t.notMatch(response.body, new URL(issuer.origin).port)
})

t.test('P7: missing scopes: 403 with every scope the operation needs, in one challenge', async (t) => {
  const { gateway, tokenWith, upstream } = await startScene(t, {
    config: { policy: { tools: { both: ['todo:read', 'todo:write'], any: { anyOf: [['a', 'b', 'c'], ['d', 'todo:read'], 'e'] }, never: false } } }
  })
  const token = await tokenWith({ scope: 'todo:read a' })
  const table: readonly [tool: string, scope: string | undefined, missing: string[], held: string][] = [
    ['both', 'todo:read todo:write', ['todo:write'], ' a'],
    ['any', 'd todo:read', ['d'], ' a'],
    ['never', undefined, [], ''],
    ['unlisted', undefined, [], '']
  ]
  for (const [tool, scope, missing, held] of table) {
    const response = await send(gateway.origin, { method: 'POST', target: '/mcp', headers: { ...TYPE, Authorization: `Bearer ${token}` }, body: JSON.stringify(toolCall(tool, {}, 'id-7')) })
    t.equal(response.status, 403, tool)
    const { jsonrpc, id, error } = JSON.parse(response.body) as {
      jsonrpc: string, id: string, error: { code: number, data: object }
    }
    t.same([jsonrpc, id, error.code], ['2.0', 'id-7', 403])
    if (scope === undefined) {
      t.equal(response.headers['www-authenticate'], undefined, 'no challenge where no scope could help')
      t.same(error.data, { error: 'access_denied', method: 'tools/call', target: tool })
      continue
    }
    const { error_description: description, ...challenge } = readChallenge(response)
    t.same(challenge, { error: 'insufficient_scope', scope: scope + held, resource_metadata: `${gateway.origin}/.well-known/oauth-protected-resource/mcp` })
    t.match(description, /./)
    t.same(error.data, { error: 'insufficient_scope', method: 'tools/call', target: tool, requiredScopes: scope.split(' '), missingScopes: missing })
  }
  t.equal(upstream.received.length, 0)
})

t.test('P7: the challenge names the scopes that a token keeps, for clients that replace theirs by it', async (t) => {
  const policy = { tools: { list: 'list', refund: 'refund', all: 'all', x: 'x' }, implies: { parent: ['list'] } }
  const { gateway, tokenWith } = await startScene(t, { config: { policy, defaultScopes: ['profile', 'offline_access'] } })
  const rows: readonly [held: string, tool: string, scope: string][] = [
    ['list', 'refund', 'refund list'],
    ['refund', 'list', 'list refund'],
    ['parent', 'refund', 'refund parent'],
    ['x list all', 'refund', 'refund all list x'],
    ['list profile', 'refund', 'refund list profile'],
    ['list uma_authorization openid offline_access other:scope', 'refund', 'refund list'],
    ['', 'refund', 'refund']
  ]
  for (const [held, tool, scope] of rows) {
    const headers = { ...TYPE, Authorization: `Bearer ${await tokenWith({ scope: held })}` }
    const body = JSON.stringify(toolCall(tool))
    const response = await send(gateway.origin, { method: 'POST', target: '/mcp', headers, body })
    t.equal(readChallenge(response).scope, scope, `${held} calls ${tool}`)
    t.match(JSON.parse(response.body), { error: { data: { requiredScopes: [tool], missingScopes: [tool] } } })
  }
  // A client like SDK 1.x, whose next token has just the scopes of the last challenge.
  let [scope, logins] = ['list', 0]
  for (const tool of ['list', 'refund', 'list', 'refund']) {
    const headers = { ...TYPE, Authorization: `Bearer ${await tokenWith({ scope })}` }
    const response = await send(gateway.origin, { method: 'POST', target: '/mcp', headers, body: JSON.stringify(toolCall(tool)) })
    if (response.status !== 403) continue
    logins++
    scope = readChallenge(response).scope as string
  }
  t.equal(logins, 1, 'one step-up is enough')
})

t.test('P7: a denial of a subscription names everything that was asked for', async (t) => {
  const { gateway, token } = await startScene(t, { config: { policy: { resources: { 'todo://*': 'todo:read', 'secret://*': 'admin' } } } })
  const uris = ['secret://a', 'todo://b']
  const response = await gateway.post(token, { jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: { notifications: { resourceSubscriptions: uris } } })
  t.equal(response.status, 403)
  t.match(await response.json(), { error: { data: { method: 'subscriptions/listen', targets: uris, missingScopes: ['admin'] } } })
  t.match(await gateway.logged(({ httpStatus }) => httpStatus === 403), { client: { method: 'subscriptions/listen', targets: uris } })
})

t.test('P8: a denied notification or response: 403 without an id', async (t) => {
  const { gateway, tokenWith } = await startScene(t, { config: { policy: { tools: { x: 'never:granted' }, methods: { 'notifications/cancelled': 'cancel' } } } })
  const token = await tokenWith({})
  for (const message of [
    { jsonrpc: '2.0', method: 'tools/call', params: { name: 'x' } },
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: {} },
    { jsonrpc: '2.0', method: 'unknown/method' }
  ]) {
    const response = await gateway.post(token, message)
    t.equal(response.status, 403)
    const body = await response.json() as object
    t.notOk(Object.hasOwn(body, 'id'))
    t.match(body, { jsonrpc: '2.0', error: { code: 403 } })
  }
})

t.test('M7: no header and no query chooses a weaker check', async (t) => {
  const { send, upstream } = await startScene(t)
  const body = JSON.stringify(toolCall('unlisted'))
  for (const version of ['2024-11-05', '2025-03-26', '1.0', '', '2026-07-28x', 'DRAFT', '0000-00-00']) {
    const { status } = await send({ method: 'POST', target: '/mcp', headers: { ...TYPE, 'MCP-Protocol-Version': version }, body })
    t.ok(status === 403 || status === 400, `${version}: ${status}`)
  }
  t.equal(upstream.received.length, 0)
})
