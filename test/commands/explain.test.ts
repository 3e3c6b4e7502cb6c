import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RESOURCE, todoConfig, writeConfig } from '../helpers/configuration.js'
import { startIssuer } from '../helpers/issuer.js'
import { runCli } from '../helpers/process.js'
import { ROOT } from '../helpers/root.js'

t.test('an allowed operation: the rule behind it, exit code 0', async (t) => {
  const { file } = writeConfig(t, todoConfig())
  t.match(await runCli(t, ['explain', '--config', file, '--tool', 'create_todo', '--scopes', 'todo:read  todo:write']), {
    code: 0,
    stderr: '',
    stdout: `allowed by tools.*_todo
scopes: todo:read todo:write
"tools/call"
  allowed by methods default: any accepted token
"tools/call" on tools "create_todo"
  allowed by tools.*_todo: todo:write
`
  })
})

t.test('a denied operation: what is missing, exit code 1', async (t) => {
  const { file } = writeConfig(t, todoConfig())
  t.match(await runCli(t, ['explain', '--config', file, '--tool', 'get_todo', '--scopes', '']), {
    code: 1,
    stderr: '',
    stdout: `denied (insufficient_scope) by tools.get_todo
  required scopes: todo:read
  missing scopes:  todo:read
scopes: (none)
"tools/call"
  allowed by methods default: any accepted token
"tools/call" on tools "get_todo"
  denied by tools.get_todo: todo:read
  overruled: tools.*_todo (tools.get_todo is exact)
`
  })
})

t.test('prompts, MCP resources and methods are operations too', async (t) => {
  const { file } = writeConfig(t, todoConfig({
    policy: { prompts: { greet: 'a' }, resources: { 'todo://**': 'a' }, methods: { 'tasks/*': 'a' } }
  }))
  for (const operation of [['--prompt', 'greet'], ['--mcp-resource', 'todo://x/y'], ['--method', 'tasks/get']]) {
    const base = ['explain', '--config', file, ...operation]
    t.equal((await runCli(t, [...base, '--scopes', 'a'])).code, 0, operation.join(' '))
    t.equal((await runCli(t, [...base, '--scopes', 'b'])).code, 1, operation.join(' '))
  }
  t.equal((await runCli(t, ['explain', '--config', file, '--tool', 'unlisted', '--scopes', 'a'])).code, 1)
})

t.test('with several protected resources one has to be chosen', async (t) => {
  const { file } = writeConfig(t, {
    authorizationServers: ['http://localhost:9000'],
    servers: ['a', 'b'].map((name) => ({ resource: `http://localhost:3002/${name}`, upstream: 'http://localhost:8080', policy: { tools: { x: name } } }))
  })
  const base = ['explain', '--config', file, '--tool', 'x', '--scopes', 'b']
  t.match(await runCli(t, base), { code: 64, stderr: /--resource: http:\/\/localhost:3002\/a, http:\/\/localhost:3002\/b/ })
  t.equal((await runCli(t, [...base, '--resource', 'http://localhost:3002/c'])).code, 64)
  t.equal((await runCli(t, [...base, '--resource', 'http://localhost:3002/a'])).code, 1)
  t.equal((await runCli(t, [...base, '--resource', 'http://localhost:3002/b'])).code, 0)
})

t.test('a token is checked as the gateway would, and never printed', async (t) => {
  const issuer = await startIssuer(t, { audience: RESOURCE })
  const { file } = writeConfig(t, todoConfig({ authorizationServers: [issuer.issuer] }))
  const explain = async (token: string): ReturnType<typeof runCli> => {
    const ended = await runCli(t, ['explain', '--config', file, '--tool', 'list_todos', '--token', token])
    t.notOk((ended.stdout + ended.stderr).includes(token))
    return ended
  }
  t.match(await explain(await issuer.token({ sub: 'alice\u001b[2J' })), {
    code: 0, stderr: '', stdout: `token of alice\\u{1b}[2J (client client-1), issued by ${issuer.issuer}\nallowed by tools.list_todos\n`
  })
  t.match(await explain(await issuer.token({ scope: 'todo:write' })), { code: 1, stderr: '', stdout: /\ndenied \(insufficient_scope\)/ })
  t.match(await explain(await issuer.token({ aud: 'http://localhost:3003/mcp' })), { code: 1, stderr: '', stdout: /^the token is not accepted: meant for another audience/ })
  t.match(await explain(await issuer.token({ iss: 'https://other.example' })), { code: 1, stderr: '', stdout: /^the token is not accepted: issuer is not configured/ })
  t.match(await explain('opaque'), { code: 1, stderr: '', stdout: /^the token is not accepted: not a JWT/ })
  const good = await issuer.token()
  await issuer.stop()
  t.match(await explain(good), { code: 1, stderr: '', stdout: /^the token cannot be checked: / })
})

t.test('a token can come from standard input, out of sight of the list of processes', async (t) => {
  const issuer = await startIssuer(t, { audience: RESOURCE })
  const { file } = writeConfig(t, todoConfig({ authorizationServers: [issuer.issuer] }))
  const ended = await runCli(t, ['explain', '--config', file, '--tool', 'list_todos', '--token', '-'], { input: `${await issuer.token()}\n` })
  t.match(ended, { code: 0, stderr: '', stdout: /^token of alice / })
})

t.test('without scopes and token: which scopes are enough, exit code 0 when some are', async (t) => {
  const { file } = writeConfig(t, todoConfig({
    policy: { tools: { get_todo: { anyOf: ['todo:read', ['audit', 'todo:list']] }, purge: false }, implies: { 'todo:admin': ['todo:read'] } }
  }))
  const base = ['explain', '--config', file, '--tool']
  t.match(await runCli(t, [...base, 'get_todo']), {
    code: 0,
    stderr: '',
    stdout: `allowed with one of
  todo:read
  audit + todo:list
  todo:read is implied by: todo:admin
"tools/call"
  decided by methods default: any accepted token
"tools/call" on tools "get_todo"
  decided by tools.get_todo: todo:read or audit + todo:list
`
  })
  t.match(await runCli(t, [...base, 'purge']), { code: 1, stderr: '', stdout: /^denied \(forbidden\) by tools\.purge\n/ })
  t.match(await runCli(t, [...base, 'other']), { code: 1, stderr: '', stdout: /^denied \(unlisted\) by tools unlisted\n/ })
})

/** Returns the documents of `explain` that docs/operations.md shows: of a decision, and of needs. */
function shownDocuments (): object[] {
  const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
  return [...page.matchAll(/^`explain` [^\n]*\n\n```json\n([\s\S]*?)```/gm)].map(([, json = '']) => JSON.parse(json) as object)
}

t.test('--json is one document: a decision, needs, a token', async (t) => {
  const issuer = await startIssuer(t, { audience: RESOURCE })
  const { file } = writeConfig(t, todoConfig({ authorizationServers: [issuer.issuer], policy: { tools: { 'a\u009b': ['x', 'y'] }, implies: { z: ['x'] } } }))
  const explain = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli(t, ['explain', '--config', file, '--tool', 'a\u009b', '--json', ...args])
    t.equal(stderr, '')
    t.match(stdout, /^[\n\x20-\x7e]+$/)
    return { code, document: JSON.parse(stdout) }
  }
  const operations = [
    { method: 'tools/call', rule: 'methods default', needs: 'any accepted token', decision: { effect: 'allow' }, overruled: [] },
    { method: 'tools/call', target: { kind: 'tools', name: 'a\u009b' }, rule: 'tools.a\u009b', needs: 'x + y' }
  ]
  const decision = {
    effect: 'deny', rule: 'tools.a\u009b', reason: 'insufficient_scope', requiredScopes: ['x', 'y'], missingScopes: ['y']
  }
  const decided = await explain('--scopes', 'z')
  t.match(decided, {
    code: 1, document: { version: 1, allowed: false, resource: RESOURCE, decision, scopes: ['z'], expandedScopes: ['x', 'z'], operations }
  })
  const [shownDecision, shownNeeds] = shownDocuments()
  t.strictSame(Object.keys(decided.document), Object.keys(shownDecision ?? {}), 'as docs/operations.md shows it')
  t.strictSame(Object.keys(decided.document), ['version', 'allowed', 'resource', 'decision', 'scopes', 'expandedScopes', 'operations'])
  const needs = await explain()
  t.match(needs, { code: 0, document: { version: 1, allowed: true, alternatives: [['x', 'y']], impliedBy: { x: ['z'] }, operations } })
  t.strictSame(Object.keys(needs.document), Object.keys(shownNeeds ?? {}), 'as docs/operations.md shows it')
  t.strictSame(Object.keys(needs.document), ['version', 'allowed', 'resource', 'alternatives', 'impliedBy', 'decision', 'operations'])
  const token = await issuer.token({ scope: 'x y', sub: 'alice\u202e' })
  t.match(await explain('--token', token), {
    code: 0, document: { allowed: true, principal: { issuer: issuer.issuer, subject: 'alice\u202e', clientId: 'client-1' } }
  })
  const refused = await explain('--token', 'opaque')
  t.match(refused, { code: 1, document: { version: 1, allowed: false, resource: RESOURCE, tokenProblem: /^the token is not accepted: not a JWT/ } })
})
