import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { check } from '../../src/commands/check.js'
import { PLAIN } from '../../src/commands/paint.js'
import { startMcpServer, type McpServerOptions } from '../catalog/mcp-server.js'
import { todoConfig, writeConfig } from '../helpers/configuration.js'
import { sendJson, startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { runCli, type Ended } from '../helpers/process.js'
import { ROOT } from '../helpers/root.js'
import { KEYCLOAK_SCOPES } from '../doctor/registering-server.js'

const TOOLS = ['list_todos', 'get_todo', 'create_todo'].map((name) => ({ name }))

interface SetUp {
  readonly issuer: TestIssuer
  readonly upstream: string
  check (members?: object, ...flags: string[]): Promise<Ended>
}

async function setUp (t: Test, options: McpServerOptions = {}): Promise<SetUp> {
  const issuer = await startIssuer(t)
  issuer.metadata['scopes_supported'] = ['openid', 'todo:read', 'todo:write']
  const server = await startMcpServer(t, { pages: { 'tools/list': [TOOLS] }, ...options })
  const upstream = `${server.origin}/mcp`
  return {
    issuer,
    upstream,
    check (members = {}, ...flags) {
      const servers = { upstream, authorizationServers: [issuer.issuer] }
      const { file } = writeConfig(t, todoConfig({ ...servers, ...members }))
      return run({ config: file, live: true, ...(flags.includes('--json') ? { json: true } : {}) })
    }
  }
}

/** Returns the JSON document of docs/operations.md after a text. */
function exampleIn (text: RegExp): Record<string, unknown> & { servers: [object] } {
  const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(page.slice(page.search(text))) ?? []
  return JSON.parse(json)
}

/** Runs the command in this process. */
async function run (flags: Parameters<typeof check>[0]): Promise<Ended> {
  const [stdout, stderr]: [string[], string[]] = [[], []]
  const code = await check(flags, {
    print: (line) => { stdout.push(`${line}\n`) },
    printError: (line) => { stderr.push(`${line}\n`) },
    paint: PLAIN,
    paintError: PLAIN
  })
  return { code, signal: null, stdout: stdout.join(''), stderr: stderr.join('') }
}

/** Returns the lines of what was found. */
function foundIn ({ stdout }: Ended): string[] {
  return /\nlive\n((?: {2}.*\n)*)/.exec(stdout)?.[1]?.trimEnd().split('\n') ?? []
}

t.test('what is as configured is said, with exit code 0', async (t) => {
  for (const era of ['modern', 'legacy'] as const) {
    const { check, issuer, upstream } = await setUp(t, { era })
    const ended = await check()
    t.match({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: '' })
    t.strictSame(foundIn(ended), [
      `  ✓ ${upstream}: speaks MCP ${era === 'modern' ? '2026-07-28' : '2025-06-18'}: 3 tools, 0 prompts, 0 MCP resources, 0 resource templates`,
      `  ✓ ${issuer.issuer}: publishes metadata in which it has this name`,
      `  ✓ ${issuer.issuer}: publishes keys that verify signatures`
    ])
  }
})

t.test('rules without a tool and tools without a rule are warnings, with exit code 0', async (t) => {
  const { check } = await setUp(t)
  const ended = await check({ policy: { tools: { lst_todos: 'todo:read', get_todo: 'todo:read', 'admin_*': false }, prompts: { greet: true } } })
  t.equal(ended.code, 0)
  t.strictSame(foundIn(ended).filter((line) => line.startsWith('  !')), [
    '  ! policy.tools.lst_todos: fits nothing that the upstream lists',
    '  ! policy.tools.admin_*: fits nothing that the upstream lists',
    '  ! policy.prompts.greet: fits nothing that the upstream lists',
    '  ! policy.tools: no rule names these tools, so nobody may use them: "list_todos", "create_todo"'
  ])
})

t.test('an upstream that cannot be reached, or is no MCP endpoint, fails', async (t) => {
  const { check, issuer } = await setUp(t)
  const gone = await check({ upstream: 'http://127.0.0.1:1/mcp' })
  t.equal(gone.code, 1)
  t.match(foundIn(gone)[0], /^ {2}✗ http:\/\/127\.0\.0\.1:1\/mcp: unreachable: ECONNREFUSED/)
  const other = await check({ upstream: `${issuer.origin}/mcp` })
  t.equal(other.code, 1)
  t.match(foundIn(other)[0], /✗ .*: initialize gets 404: there is no MCP endpoint at this path$/)
})

t.test('an issuer that is spelt otherwise in its metadata fails', async (t) => {
  const { check, issuer } = await setUp(t)
  const ended = await check({ authorizationServers: [`${issuer.issuer}/`] })
  t.equal(ended.code, 1)
  t.match(foundIn(ended)[1], `names the issuer "${issuer.issuer}", not "${issuer.issuer}/"`)
  t.equal(foundIn(ended).length, 2, 'one cause has one finding')
})

t.test('keys that are missing or unusable fail', async (t) => {
  const { check, issuer } = await setUp(t)
  issuer.keys = []
  const ended = await check()
  t.equal(ended.code, 1)
  t.match(foundIn(ended)[2], /✗ .*\/jwks returned no usable key/)
})

t.test('with jwksUri the metadata is for clients only, and its absence a warning', async (t) => {
  const { check, issuer } = await setUp(t)
  issuer.routes.delete('/.well-known/oauth-authorization-server')
  const ended = await check({ authorizationServers: [{ issuer: issuer.issuer, jwksUri: `${issuer.origin}/jwks` }] })
  t.equal(ended.code, 0)
  t.match(foundIn(ended).slice(1), [/^ {2}! .* answered 404/, /^ {2}✓ .* publishes keys/])
})

t.test('an authorization server without the scopes of the policy is a warning', async (t) => {
  const { check, issuer } = await setUp(t)
  issuer.metadata['scopes_supported'] = KEYCLOAK_SCOPES
  const ended = await check({ metadata: { scopes_supported: ['todo:read', 'todo:extra'] } })
  t.equal(ended.code, 0)
  t.match(foundIn(ended).find((line) => line.startsWith('  !')), /"todo:read", "todo:write", "todo:extra" missing; create them there/)
  for (const supported of [undefined, ['openid', 'profile'], 'todo:read']) {
    issuer.metadata['scopes_supported'] = supported
    t.notMatch((await check()).stdout, /missing; create/, 'nobody can tell')
  }
  issuer.metadata['scopes_supported'] = KEYCLOAK_SCOPES
  const roles = await check({ authorizationServers: [{ issuer: issuer.issuer, scopeClaim: 'realm_access.roles' }] })
  t.notMatch(roles.stdout, /missing; create/, 'roles are no scopes')
})

t.test('introspection that is refused fails', async (t) => {
  const { check, issuer } = await setUp(t)
  const introspection = { endpoint: `${issuer.origin}/introspect`, clientId: 'postern', clientSecret: 'secret-of-the-test' }
  const members = { authorizationServers: [{ issuer: issuer.issuer, introspection }] }
  const refused = await check(members)
  t.equal(refused.code, 1)
  t.match(foundIn(refused).at(-1), /✗ .*: introspection: failing$/)
  issuer.routes.set('/introspect', (_request, response) => sendJson(response, { active: false }))
  const ended = await check(members)
  t.match({ code: ended.code, last: foundIn(ended).at(-1) }, { code: 0, last: /✓ .*: introspection: working$/ })
  for (const { stdout, stderr } of [refused, ended]) t.notOk((stdout + stderr).includes('secret-of-the-test'))
})

t.test('without --live nobody is asked', async (t) => {
  const { issuer, upstream } = await setUp(t)
  const { file } = writeConfig(t, todoConfig({ upstream, authorizationServers: [issuer.issuer] }))
  t.notMatch((await run({ config: file })).stdout, /\nlive\n/)
  t.strictSame(issuer.requests, [])
})

t.test('--json is one document about the same', async (t) => {
  const { check, issuer, upstream } = await setUp(t)
  const ended = await check({ policy: { tools: { 'a\u001b': 'todo:read', b: true, c: false, 'd*': { anyOf: ['x', ['y', 'z']] } } } }, '--json')
  t.match(ended.stdout, /^[\n\x20-\x7e]+$/)
  const document = JSON.parse(ended.stdout)
  t.strictSame(Object.keys(document), ['version', 'ok', 'source', 'listen', 'servers', 'warnings'])
  t.match(document, { version: 1, ok: true, listen: { host: '127.0.0.1', port: 3002 }, warnings: [] })
  const [server] = document.servers
  const example = exampleIn(/^`check` /m)
  t.strictSame(Object.keys(document), Object.keys(example), 'as docs/operations.md shows it')
  t.strictSame(Object.keys(server), Object.keys(example.servers[0]))
  t.strictSame(Object.keys(server), ['resource', 'metadata', 'upstream', 'authorizationServers', 'rules', 'warnings', 'live'])
  t.strictSame(server.authorizationServers, [{ issuers: [issuer.issuer], audiences: ['http://localhost:3002/mcp'] }])
  t.strictSame(server.rules.slice(0, 4), [
    { kind: 'tools', name: 'a\u001b', alternatives: [['todo:read']] },
    { kind: 'tools', name: 'b', alternatives: [[]] },
    { kind: 'tools', name: 'c', alternatives: [] },
    { kind: 'tools', name: 'd*', alternatives: [['x'], ['y', 'z']] }
  ])
  t.match(server.live[0], { result: 'pass', about: upstream, detail: /^speaks MCP/ })
  t.match(server.live.map(({ result }: { result: string }) => result), ['pass', 'warn', 'warn', 'warn', 'warn', 'warn', 'warn'])

  const failed = JSON.parse((await check({ upstream: 'http://127.0.0.1:1/mcp' }, '--json')).stdout)
  t.match(failed, { ok: false, servers: [{ live: [{ result: 'fail', about: 'http://127.0.0.1:1/mcp' }] }] })
})

t.test('--json of a wrong configuration is its problems, with exit code 78', async (t) => {
  const { file } = writeConfig(t, todoConfig({ polcy: {}, policy: { tools: { 'a\u009b': 'b c' } } }))
  for (const command of [['check'], ['explain', '--tool', 'x']]) {
    const { code, stdout, stderr } = await runCli(t, [...command, '--json', '--config', file])
    t.match({ code, stderr }, { code: 78, stderr: '' })
    t.match(stdout, /^[\n\x20-\x7e]+$/)
    t.match(JSON.parse(stdout), { version: 1, ok: false, source: file, problems: [{ place: 'polcy', message: String }, { place: String }] })
  }
})
