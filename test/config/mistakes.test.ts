import t, { type Test } from 'tap'
import { MINIMAL, writeConfig } from '../helpers/configuration.js'
import { loadConfig } from '../../src/config/load.js'

async function warningsFor (t: Test, members: object): Promise<readonly string[]> {
  const { file } = writeConfig(t, { ...MINIMAL, ...members })
  return (await loadConfig({ file, env: {} })).warnings
}

const expression = (place: string, meant: string): string => (
  `${place}: looks like a regular expression, but all characters except * stand for themselves: did you mean "${meant}"?`
)

t.test('P3: names that look like regular expressions are warned about, and what is meant is said', async (t) => {
  const meant = {
    '^list_.*$': 'list_*',
    'list_.*': 'list_*',
    '.*': '*',
    '^list': 'list',
    'list_todos?$': 'list_todos?',
    'get-.+': 'get-*',
    '(list|get)_todo': '(list|get)_todo',
    'get_[a-z]': 'get_[a-z]',
    'get_\\w': 'get_\\w'
  }
  for (const kind of ['tools', 'prompts']) {
    for (const [name, pattern] of Object.entries(meant)) {
      t.strictSame(
        await warningsFor(t, { policy: { [kind]: { [name]: 'a' } } }),
        [expression(`policy.${kind}[${JSON.stringify(name)}]`, JSON.stringify(pattern).slice(1, -1))], `${kind} ${name}`
      )
    }
  }
  t.strictSame(
    await warningsFor(t, { policy: { resources: { '^todo://.*': 'a' } } }), [expression('policy.resources["^todo://.*"]', 'todo://*')]
  )
})

t.test('P3: names and patterns that are meant are not', async (t) => {
  const tools = ['list_*', 'admin.*', 'admin.tools.list', '*', 'v1.*_todo', 'a(b)', 'a[b]', 'cost$usd', 'what?', 'a+b', 'todo/list', 'x-*-y']
  t.strictSame(await warningsFor(t, { policy: { tools: Object.fromEntries(tools.map((name) => [name, 'a'])) } }), [])
  const uris = ['todo://**', 'file:///home/.*', 'https://h/a?b=c$', 'x://[a-z]', 'x://(a)', 'file:///.+/x']
  t.strictSame(await warningsFor(t, { policy: { resources: Object.fromEntries(uris.map((uri) => [uri, 'a'])) } }), [])
})

t.test('names with white space at their ends are warned about', async (t) => {
  for (const name of [' list_todos', 'list_todos ', 'list_todos\n', '\u00a0x']) {
    t.strictSame(await warningsFor(t, { policy: { tools: { [name]: 'a' } } }), [
      `policy.tools[${JSON.stringify(name)}]: has white space at its ends, as no name has that a client sends`
    ])
  }
})

t.test('an upstream without a path is warned about, unless it says that it is the root', async (t) => {
  const [warning, ...more] = await warningsFor(t, { upstream: 'http://localhost:8080' })
  t.match(warning, /^upstream: has no path: most MCP servers answer at \/mcp/)
  t.strictSame(more, [])
  for (const upstream of ['http://localhost:8080/', 'http://localhost:8080/mcp']) t.strictSame(await warningsFor(t, { upstream }), [])
})

t.test('issuers whose tokens are never accepted are warned about', async (t) => {
  t.match(await warningsFor(t, { authorizationServers: ['https://accounts.google.com'] }), [/^authorizationServers\[0\]: issues access tokens that only Google can read/])
  for (const tenant of ['common', 'organizations', 'consumers']) {
    const issuer = `https://login.microsoftonline.com/${tenant}/v2.0`
    const warning = new RegExp(`: is in no token: Entra writes the id of the tenant instead of "${tenant}"; list`)
    t.match(await warningsFor(t, { authorizationServers: [issuer] }), [warning])
    t.match(await warningsFor(t, { authorizationServers: [{ issuer: 'https://login.example', issuers: [issuer] }] }), [/^authorizationServers\[0\]\.issuers\[0\]: is in no/])
  }
  const fine = ['https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0', 'https://login.example/common/', 'https://google.example']
  t.strictSame(await warningsFor(t, { authorizationServers: fine }), [])
})

t.test('P4: a policy that is missing or empty is warned about', async (t) => {
  for (const policy of [undefined, {}, { tools: {} }]) {
    t.strictSame(await warningsFor(t, { policy }), ['policy: is missing or empty: every call of a tool, MCP resource or prompt is denied'])
  }
})
