// The demo makes rules and shell commands from what an MCP server says about its tools. A server may say
// anything: no name may widen a rule, become a command, or write to the terminal.
import t from 'tap'
import type { Dialect } from '../../demo/curl.js'
import { renderGuide } from '../../demo/guide.js'
import { showUpstream } from '../../demo/upstream-scene.js'
import type { Tool } from '../../demo/upstream.js'
import { configFrom } from '../../src/config/complete.js'
import { compilePolicy } from '../../src/policy/compile.js'
import type { Decision, Policy } from '../../src/policy/policy.js'

const URLS = { upstream: 'http://localhost:8080/mcp', resource: 'http://localhost:3002/mcp', issuer: 'http://localhost:9000' }

function policyFor (tools: readonly Tool[]): Policy {
  const { policy } = showUpstream({ url: URLS.upstream, dialect: 'plain', tools })
  const { servers } = configFrom(
    { resource: URLS.resource, upstream: URLS.upstream, authorizationServers: [URLS.issuer], policy },
    { host: '127.0.0.1', port: 3002, logLevel: 'info' }
  )
  if (servers[0] === undefined) throw new Error('no server')
  return compilePolicy(servers[0].policy)
}

function decide (policy: Policy, name: string, scopes: readonly string[]): Decision {
  const method = 'tools/call'
  return policy.decide([{ method }, { method, target: { kind: 'tools', name } }], new Set(scopes))
}

function isAllowed (policy: Policy, name: string, scopes: readonly string[]): boolean {
  return decide(policy, name, scopes).effect === 'allow'
}

function guideFor (tools: readonly Tool[], dialect: Dialect = 'modern'): string {
  const scene = showUpstream({ url: URLS.upstream, dialect, tools })
  const policy = policyFor(tools)
  const trial = scene.chooseTrial((name, scopes) => {
    const decision = decide(policy, name, scopes)
    return decision.effect === 'allow' ? [] : decision.requiredScopes
  })
  const credentials = { clientId: 'c', clientSecret: 's' }
  return renderGuide({ ...scene, ...trial, ...URLS, credentials }, (_style, text) => text).join('\n')
}

const READS = { readOnlyHint: true }

t.test('a tool that is called like a pattern opens nothing but itself', async (t) => {
  for (const name of ['*', 'erase*', '*e*', '**']) {
    const policy = policyFor([{ name, annotations: READS }, { name: 'erase' }])
    t.notOk(isAllowed(policy, 'erase', ['mcp:read']), name)
    t.ok(isAllowed(policy, 'erase', ['mcp:write']), name)
  }
})

t.test('only a real true says that a tool only reads', async (t) => {
  for (const readOnlyHint of ['true', 1, {}, [], null]) {
    const policy = policyFor([{ name: 'erase', annotations: { readOnlyHint } as unknown as object }])
    t.notOk(isAllowed(policy, 'erase', ['mcp:read']), JSON.stringify(readOnlyHint))
  }
})

t.test('names that objects inherit', async (t) => {
  const tools = ['__proto__', 'constructor', 'toString'].map((name) => ({ name, annotations: READS }))
  const policy = policyFor(tools)
  for (const { name } of tools) {
    t.ok(isAllowed(policy, name, ['mcp:read']), name)
    t.notOk(isAllowed(policy, name, []), name)
  }
})

t.test('no tool is open without a scope, whether it was there at the start or came later', async (t) => {
  const policy = policyFor([{ name: 'find', annotations: READS }, { name: 'erase' }])
  for (const name of ['find', 'erase', 'later']) t.notOk(isAllowed(policy, name, []), name)
  t.notOk(isAllowed(policy, 'later', ['mcp:read']))
})

t.test('a name that a shell, a header or a terminal would obey is not in the guide', async (t) => {
  const names = ['\'; touch /tmp/owned; \'', '$(id)', '`id`', 'a"b', 'a\\b', 'a\nb', 'a\r\nX-Evil: 1', '\u001b[2J', 'x y z', '--help', '\u009b2J', '\u202egnp']
  const tools = names.flatMap((name) => [{ name }, { name, annotations: READS }])
  const guide = guideFor([...tools, { name: 'find', annotations: READS }, { name: 'erase' }])
  for (const name of names) t.notOk(guide.includes(name), JSON.stringify(name))
  t.ok(guide.includes('"name":"erase"'), 'it has the others')
})

t.test('an argument is sent as JSON in quotes, whatever it is called', async (t) => {
  const inputSchema = { required: ['it\'s $(id)'], properties: {} }
  const guide = guideFor([{ name: 'find', inputSchema, annotations: READS }, { name: 'erase' }])
  t.ok(guide.includes('"arguments":{"it\'\\\'\'s $(id)":"test"}'))
})

t.test('the least dangerous tools are called first', async (t) => {
  const guide = guideFor([
    { name: 'wipe', annotations: { destructiveHint: true } },
    { name: 'erase_one', annotations: { destructiveHint: true }, inputSchema: { required: ['id'] } },
    { name: 'add', annotations: { destructiveHint: false } },
    { name: 'find', annotations: READS }
  ], 'plain')
  t.strictSame([...guide.matchAll(/"name":"(\w+)"/g)].map(([, name]) => name), ['find', 'add', 'add'])
})
