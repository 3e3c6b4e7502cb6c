import { readFileSync } from 'node:fs'
import t from 'tap'
import { Check } from 'typebox/schema'
import { configFile } from '../../src/options/gateway.js'
import { renderJsonSchema } from '../../src/options/published-schema.js'
import { MINIMAL } from '../helpers/configuration.js'

const published = JSON.parse(renderJsonSchema()) as { $id: string, $defs: object }

const GOOD: readonly object[] = [
  MINIMAL,
  JSON.parse(readFileSync('config.example.json', 'utf8')) as object,
  { ...MINIMAL, policy: { tools: { a: { anyOf: ['x', ['y', 'z']] } }, unlisted: { tools: 'allow' } } },
  { authorizationServers: [{ issuer: 'https://a.example', scopeClaim: 'scp' }], servers: [{ resource: MINIMAL.resource, upstream: MINIMAL.upstream }] }
]
const BAD: readonly object[] = [
  {},
  { ...MINIMAL, polcy: {} },
  { ...MINIMAL, resource: 'mcp.example' },
  { ...MINIMAL, policy: { tools: { a: [] } } },
  { ...MINIMAL, limits: { bodyBytes: 0 } },
  { ...MINIMAL, servers: [{ resource: MINIMAL.resource, upstream: MINIMAL.upstream }] },
  { ...MINIMAL, session: { key: 'short' } }
]

t.test('the published schema accepts and refuses what the one in use does', async (t) => {
  for (const file of GOOD) {
    for (const schema of [published, configFile]) {
      t.ok(Check(schema, file), JSON.stringify(file))
    }
  }
  for (const file of BAD) {
    for (const schema of [published, configFile]) {
      t.notOk(Check(schema, file), JSON.stringify(file))
    }
  }
})

t.test('in an editor a variable may stand wherever a text may', async (t) => {
  const file = { ...MINIMAL, upstream: '${UPSTREAM}', session: { key: '${KEY}' } } // eslint-disable-line no-template-curly-in-string
  t.ok(Check(published, file))
  t.notOk(Check(configFile, file))
})

t.test('pieces that are used twice are written once', async (t) => {
  t.match(published, { $id: /^urn:/, $defs: { scope: {}, rule: {}, policy: {} } })
  t.ok(renderJsonSchema().length < 30_000, 'half of what it would be')
})
