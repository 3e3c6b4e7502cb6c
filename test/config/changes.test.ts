import t from 'tap'
import { findChanges } from '../../src/config/changes.js'
import { configFrom } from '../../src/config/complete.js'
import type { Config } from '../../src/options/gateway.js'

const SETTINGS = { host: '127.0.0.1', port: 3002, logLevel: 'info' }
const BASE = {
  resource: 'https://mcp.example/todo',
  upstream: 'http://todo:8080/mcp',
  authorizationServers: ['https://login.example'],
  policy: { tools: { list_todos: 'todo:read', 'delete_*': ['todo:write', 'todo:delete'] } }
}
const config = (more: object = {}): Config => configFrom({ ...BASE, ...more }, SETTINGS)
const NOTHING = { added: [], removed: [], changed: [] }

t.test('equal configurations, however they are written, differ in nothing', async (t) => {
  t.strictSame(findChanges(config(), config()), NOTHING)
  t.strictSame(findChanges(config(), config({ authorizationServers: [{ issuer: 'https://login.example' }], strictAudience: false })), NOTHING)
})

t.test('rules come, go and change', async (t) => {
  const after = config({ policy: { tools: { list_todos: { anyOf: ['a', 'b'] }, 'read_*': true }, unlisted: 'allow' } })
  t.strictSame(findChanges(config(), after), {
    added: ['policy.tools["read_*"]'],
    removed: ['policy.tools["delete_*"]'],
    changed: ['policy.tools.list_todos', 'policy.unlisted.prompts', 'policy.unlisted.resources', 'policy.unlisted.tools']
  })
  const other = config({ policy: { tools: { list_todos: { allOf: ['a', 'b'] }, 'read_*': true }, unlisted: 'allow' } })
  t.strictSame(findChanges(after, other), { ...NOTHING, changed: ['policy.tools.list_todos'] }, 'a rule is one thing')
})

t.test('authorization servers go by their issuer, and their order counts', async (t) => {
  const two = config({ authorizationServers: ['https://login.example', { issuer: 'https://new.example', clientIds: ['x'] }] })
  const added = { ...NOTHING, added: ['authorizationServers["https://new.example"]'] }
  t.strictSame(findChanges(config(), two), added)
  t.strictSame(findChanges(two, config()), { ...NOTHING, removed: added.added })
  const reordered = config({ authorizationServers: [{ issuer: 'https://new.example', clientIds: ['x'] }, 'https://login.example'] })
  t.strictSame(findChanges(two, reordered), { ...NOTHING, changed: ['authorizationServers'] })
  const other = config({ authorizationServers: ['https://login.example', { issuer: 'https://new.example', jwksUri: 'https://new.example/keys' }] })
  t.strictSame(findChanges(two, other), {
    added: ['authorizationServers["https://new.example"].jwksUri'], removed: ['authorizationServers["https://new.example"].clientIds'], changed: []
  })
})

t.test('options of the process and of several servers have their places', async (t) => {
  t.strictSame(findChanges(config(), config({ resource: 'https://mcp.example/other', admin: { port: 9464 }, limits: { drainMs: 1, bodyBytes: 5 } })), {
    added: ['admin'], removed: [], changed: ['limits.bodyBytes', 'limits.drainMs', 'resource']
  })
  const { resource, upstream, ...shared } = BASE
  const entry = { resource, upstream }
  const mail = { resource: 'https://mcp.example/mail', upstream: 'http://mail:8080/mcp' }
  const several = (...servers: object[]): Config => configFrom({ ...shared, servers }, SETTINGS)
  t.strictSame(findChanges(several(entry), several(entry, mail)), { ...NOTHING, added: ['servers["https://mcp.example/mail"]'] })
  t.strictSame(
    findChanges(several(entry, mail), several({ ...entry, origins: ['https://app.example'] }, mail)),
    { ...NOTHING, changed: ['servers["https://mcp.example/todo"].origins'] }
  )
})

t.test('O5: no value is named, only where it stands', async (t) => {
  const secrets = (letter: string): object => ({
    upstreamHeaders: { 'X-Api-Key': `SECRET-${letter}`, [`X-${letter}`]: 'SECRET' },
    session: { key: `SECRET-${letter}`.padEnd(20, letter) },
    metadata: { resource_name: `SECRET-${letter}` }
  })
  const changes = findChanges(config(secrets('a')), config(secrets('b')))
  t.strictSame(changes, {
    added: ['upstreamHeaders["X-b"]'],
    removed: ['upstreamHeaders["X-a"]'],
    changed: ['metadata.resource_name', 'session.key', 'upstreamHeaders["X-Api-Key"]']
  })
  t.notMatch(JSON.stringify(changes), 'SECRET')
})

t.test('names that objects inherit are names like any other', async (t) => {
  const named = (tools: string): Config => config({ policy: JSON.parse(`{"tools":${tools}}`) })
  t.strictSame(findChanges(named('{"__proto__":"a"}'), named('{"__proto__":"b","constructor":"c"}')), {
    added: ['policy.tools.constructor'], removed: [], changed: ['policy.tools.__proto__']
  })
})
