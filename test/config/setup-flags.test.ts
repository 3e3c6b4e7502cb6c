import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { loadConfig, type LoadOptions } from '../../src/config/load.js'
import { onlyServer, problemsOf } from './config-file.js'

/** There is no ./config.json where this runs, unless the test writes one. */
function inEmptyDirectory (t: Test): void {
  const before = process.cwd()
  t.teardown(() => process.chdir(before))
  process.chdir(t.testdir())
}

const RESOURCE = 'https://mcp.example/todo'
const UPSTREAM = 'http://localhost:8080/mcp'
const ISSUER = 'https://login.example'
const FLAGS = { resource: RESOURCE, upstream: UPSTREAM, issuers: [ISSUER], tools: ['list_*=todo:read', 'delete_todo=todo:write todo:admin'] }
const VARIABLES = { RESOURCE_URL: RESOURCE, UPSTREAM_URL: UPSTREAM, ISSUER_URL: ISSUER, TOOL_SCOPES: '{"list_*":"todo:read","delete_todo":["todo:write","todo:admin"]}' }

t.test('flags and variables make the same protected server, which a file would make as well', async (t) => {
  inEmptyDirectory(t)
  const file = { resource: RESOURCE, upstream: UPSTREAM, authorizationServers: [ISSUER], policy: { tools: { 'list_*': ['todo:read'], delete_todo: ['todo:write', 'todo:admin'] } } }
  writeFileSync('named.json', JSON.stringify(file))
  const expected = onlyServer((await loadConfig({ env: {}, file: 'named.json' })).config)
  const byFlags = await loadConfig({ env: {}, ...FLAGS })
  t.strictSame(onlyServer(byFlags.config), expected)
  t.match(byFlags, { source: 'options of the command line', warnings: [], file: undefined })
  const TOOL_SCOPES = JSON.stringify(file.policy.tools)
  const byVariables = await loadConfig({ env: { ...VARIABLES, TOOL_SCOPES } })
  t.strictSame(onlyServer(byVariables.config), expected)
  t.match(byVariables, { source: 'environment variables', warnings: [], file: undefined })
})

t.test('there may be several issuers', async (t) => {
  inEmptyDirectory(t)
  const issuers = [ISSUER, 'https://other.example']
  for (const options of [{ env: {}, ...FLAGS, issuers }, { env: { ...VARIABLES, ISSUER_URL: issuers.join(' ') } }, { env: { ...VARIABLES, ISSUER_URL: issuers.join(', ') } }]) {
    const { config } = await loadConfig(options)
    t.strictSame(onlyServer(config).authorizationServers.map(({ issuer }) => issuer), issuers)
  }
})

t.test('a flag beats its variable, and the other variables still count', async (t) => {
  inEmptyDirectory(t)
  const server = onlyServer((await loadConfig({ env: VARIABLES, upstream: 'http://localhost:9/mcp', tools: ['x=y'] })).config)
  t.match(server, { resource: RESOURCE, upstream: 'http://localhost:9/mcp', authorizationServers: [{ issuer: ISSUER }] })
  t.strictSame(server.policy.tools, { x: ['y'] }, 'rules are not mixed')
})

t.test('a flag replaces the variable of a Scalekit set-up, too', async (t) => {
  inEmptyDirectory(t)
  const env = { SCALEKIT_ENVIRONMENT_URL: 'https://acme.scalekit.dev', SCALEKIT_RESOURCE_ID: 'res_1', MCP_URL: 'http://localhost:3002/' }
  t.match(onlyServer((await loadConfig({ env, upstream: UPSTREAM })).config), { resource: 'http://localhost:3002/mcp', upstream: UPSTREAM })
  t.strictSame(await problemsOf(loadConfig({ env, ...FLAGS })), [
    'environment: mixes the variables of two set-ups, --resource, --issuer (plain) and SCALEKIT_ENVIRONMENT_URL, SCALEKIT_RESOURCE_ID, MCP_URL (FastMCP): keep those of one'
  ])
})

t.test('without rules every tool is allowed for every accepted token, with a warning', async (t) => {
  inEmptyDirectory(t)
  const { tools, ...open } = FLAGS
  const { TOOL_SCOPES, ...variables } = VARIABLES
  for (const [options, name] of [[{ env: {}, ...open }, '--tool (not given)'], [{ env: variables }, 'TOOL_SCOPES (not set)']] as const) {
    const { config, warnings } = await loadConfig(options)
    t.strictSame(onlyServer(config).policy.unlisted, { tools: 'allow', resources: 'allow', prompts: 'allow' })
    t.strictSame(warnings, [`${name}: every tool, MCP resource, and prompt that no rule names is allowed for every accepted token`])
  }
})

const RESOURCE_MISSING = 'is not set: the URL under which clients reach the gateway, with the path of the MCP endpoint'
const UPSTREAM_MISSING = 'is not set: the MCP endpoint of the server behind the gateway'
const ISSUER_MISSING = 'is not set: the issuer of an authorization server whose tokens are accepted'

const wrong: Readonly<Record<string, { options: LoadOptions, problems: string[] }>> = {
  'only an upstream': { options: { env: {}, upstream: UPSTREAM }, problems: [`--resource: ${RESOURCE_MISSING}`, `--issuer: ${ISSUER_MISSING}`] },
  'only a rule': { options: { env: {}, tools: ['a=b'] }, problems: [`--resource: ${RESOURCE_MISSING}`, `--upstream: ${UPSTREAM_MISSING}`, `--issuer: ${ISSUER_MISSING}`] },
  'only the variable of a resource': { options: { env: { RESOURCE_URL: RESOURCE } }, problems: [`UPSTREAM_URL: ${UPSTREAM_MISSING}`, `ISSUER_URL: ${ISSUER_MISSING}`] },
  'an upstream that is no URL': { options: { env: {}, ...FLAGS, upstream: 'localhost:8080' }, problems: ['--upstream: must be an absolute URL that starts with https:// or http://'] },
  'an upstream that is blank': { options: { env: { UPSTREAM_URL: UPSTREAM }, ...FLAGS, upstream: '' }, problems: ['--upstream: must be an absolute URL that starts with https:// or http://'] },
  'an issuer that is blank': { options: { env: { ISSUER_URL: ISSUER }, ...FLAGS, issuers: [''] }, problems: ['--issuer: must not be empty: list at least one, or leave the option out'] },
  'the second of two issuers': { options: { env: {}, ...FLAGS, issuers: [ISSUER, 'x'] }, problems: ['--issuer[1]: must be an absolute URL that starts with https:// or http://'] },
  'an issuer of a variable beside flags': { options: { env: { ISSUER_URL: 'x' }, resource: RESOURCE, upstream: UPSTREAM }, problems: ['ISSUER_URL: must be an absolute URL that starts with https:// or http://'] },
  'a rule without a scope': { options: { env: {}, ...FLAGS, tools: ['list_todos'] }, problems: ['--tool "list_todos": it names no scope; write it as name=scope, for example \'list_*=todo:read\''] },
  'rules that overlap': { options: { env: {}, ...FLAGS, tools: ['a*=x', '*a=y'] }, problems: ['--tool.a*, tools.*a: both patterns match "a" and neither has more literal characters; make one of them more specific'] }
}

for (const [name, { options, problems }] of Object.entries(wrong)) {
  t.test(`O1: ${name} is a problem that names the option or variable`, async (t) => {
    inEmptyDirectory(t)
    t.strictSame(await problemsOf(loadConfig(options)), problems)
  })
}

t.test('O1: beside flags no file is read, and a warning says so', async (t) => {
  inEmptyDirectory(t)
  writeFileSync('config.json', '{ "policy": { "tools": { "*": true } }')
  const loaded = await loadConfig({ env: {}, ...FLAGS })
  t.strictSame(loaded.warnings, ['./config.json: is not read beside --resource, --upstream, --issuer, --tool'])
  t.equal(loaded.file, undefined)
  t.strictSame(onlyServer(loaded.config).policy.tools, { 'list_*': ['todo:read'], delete_todo: ['todo:write', 'todo:admin'] })
  writeFileSync('other.json', 'not JSON')
  t.match((await loadConfig({ env: { POSTERN_CONFIG: 'other.json' }, ...FLAGS })).warnings, [/^other.json: is not read beside /])
})

t.test('a file makes the plain variables useless, and a warning says so', async (t) => {
  inEmptyDirectory(t)
  writeFileSync('config.json', JSON.stringify({ resource: RESOURCE, upstream: UPSTREAM, authorizationServers: [ISSUER], policy: { tools: { a: 'b' } } }))
  const { warnings } = await loadConfig({ env: VARIABLES })
  t.match(warnings, [/^environment: RESOURCE_URL, ISSUER_URL, UPSTREAM_URL, TOOL_SCOPES set without effect/])
})
