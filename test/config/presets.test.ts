import t from 'tap'
import type { Test } from 'tap'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.js'
import { derivedMembers } from '../../src/oauth/protected-resource.js'
import { ROOT } from '../helpers/root.js'
import { onlyServer, problemsOf } from './config-file.js'

type Variables = Record<string, string | undefined>

const FIXTURES = join(ROOT, 'test/config/fixtures')
const BASE = 'https://acme.scalekit.dev'
const ISSUER = `${BASE}/resources/res_926123456`

/** As `docker run --env-file` reads it: quotes stay, and so does a carriage return. */
function readEnvFile (name: string): Variables {
  const lines = readFileSync(join(FIXTURES, name), 'utf8').split('\n').filter((line) => line !== '')
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), `${line.slice(line.indexOf('=') + 1)}\r`]))
}

/** As dotenv, compose and shells read it: without quotes. */
function unquote (env: Variables): Variables {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value?.replace(/^'(.*)'\r$/, '$1').replace(/\r$/, '')]))
}

/** There is no ./config.json where this runs. */
function inEmptyDirectory (t: Test): void {
  const before = process.cwd()
  t.teardown(() => process.chdir(before))
  process.chdir(t.testdir())
}

const FASTMCP = { ...readEnvFile('fastmcp.env'), UPSTREAM_URL: 'http://localhost:8080/mcp' }
const SDK = { ...readEnvFile('sdk.env'), UPSTREAM_URL: 'http://localhost:8080/' }
const DOCUMENT = JSON.parse(unquote(SDK).PROTECTED_RESOURCE_METADATA ?? '') as Record<string, unknown>

t.test('the .env of FastMCP with ScalekitProvider works unchanged', async (t) => {
  inEmptyDirectory(t)
  for (const env of [FASTMCP, unquote(FASTMCP)]) {
    const loaded = await loadConfig({ env })
    t.equal(loaded.source, 'environment variables of FastMCP with ScalekitProvider')
    t.equal(loaded.file, undefined)
    t.equal(loaded.config.listen.port, 3002)
    t.match(onlyServer(loaded.config), {
      resource: 'http://localhost:3002/mcp',
      upstream: 'http://localhost:8080/mcp',
      audience: ['res_926123456', 'http://localhost:3002/'],
      metadata: {}
    })
    t.match(onlyServer(loaded.config).authorizationServers, [{ issuer: ISSUER, issuers: [BASE], jwksUri: `${BASE}/keys` }])
    t.strictSame(derivedMembers(onlyServer(loaded.config)).authorization_servers, [ISSUER])
    t.equal(onlyServer(loaded.config).authorizationServers.length, 1)
  }
})

t.test('the .env of the Scalekit SDK works unchanged', async (t) => {
  inEmptyDirectory(t)
  for (const env of [SDK, unquote(SDK)]) {
    const loaded = await loadConfig({ env })
    t.equal(loaded.source, 'environment variables of the Scalekit SDK')
    t.match(onlyServer(loaded.config), {
      resource: 'http://localhost:3002/',
      upstream: 'http://localhost:8080/',
      audience: ['http://localhost:3002/'],
      metadata: { resource_documentation: 'http://localhost:3002/docs', scopes_supported: ['todo:read', 'todo:write'] }
    })
    t.match(onlyServer(loaded.config).authorizationServers, [{ issuer: ISSUER, issuers: [BASE], jwksUri: `${BASE}/keys` }])
    t.strictSame(derivedMembers(onlyServer(loaded.config)).authorization_servers, [ISSUER])
    t.notMatch(JSON.stringify(loaded), 'test_secret_of_the_client')
  }
})

t.test('without TOOL_SCOPES both allow every tool, and say so', async (t) => {
  inEmptyDirectory(t)
  for (const env of [FASTMCP, SDK]) {
    const { config, warnings } = await loadConfig({ env })
    t.strictSame(onlyServer(config).policy.unlisted, { tools: 'allow', resources: 'allow', prompts: 'allow' })
    t.strictSame(warnings, ['TOOL_SCOPES (not set): every tool, MCP resource, and prompt that no rule names is allowed for every accepted token'])
  }
})

t.test('with TOOL_SCOPES what it does not name is denied', async (t) => {
  inEmptyDirectory(t)
  for (const env of [FASTMCP, SDK]) {
    const { config, warnings } = await loadConfig({ env: { ...env, TOOL_SCOPES: '\'{"list_todos": "todo:read", "*_todo": ["todo:write"]}\'' } })
    t.strictSame(onlyServer(config).policy.tools, { list_todos: 'todo:read', '*_todo': ['todo:write'] })
    t.strictSame(onlyServer(config).policy.unlisted, { tools: 'deny', resources: 'deny', prompts: 'deny' })
    t.strictSame(warnings, [])
  }
})

t.test('a TOOL_SCOPES that is no map of rules never falls back to allowing everything', async (t) => {
  inEmptyDirectory(t)
  const rows: readonly (readonly [string, RegExp])[] = [
    ['', /^TOOL_SCOPES: at 1:1 is not JSON/],
    [' ', /^TOOL_SCOPES: at 1:1 is not JSON/],
    ["''", /^TOOL_SCOPES: at 1:1 is not JSON/],
    ['list_todos=todo:read', /^TOOL_SCOPES: at 1:1 is not JSON/],
    ['{"a": "x", "a": true}', /^TOOL_SCOPES: at 1:12 repeats a member/],
    ['["a"]', /^TOOL_SCOPES: must be a JSON object like/],
    ['null', /^TOOL_SCOPES: must be a JSON object like/],
    ['{"list_*": 5}', /^TOOL_SCOPES\["list_\*"\]: must be a rule/],
    ['{"a": "two words"}', /^TOOL_SCOPES\.a: must be a scope/]
  ]
  for (const env of [FASTMCP, SDK]) {
    for (const [text, problem] of rows) {
      const problems = await problemsOf(loadConfig({ env: { ...env, TOOL_SCOPES: text } }))
      t.equal(problems.length, 1, text)
      t.match(problems[0], problem)
    }
  }
})

t.test('MCP_URL may be the base URL or the endpoint, with or without a slash', async (t) => {
  inEmptyDirectory(t)
  const rows = {
    'http://localhost:3002': 'http://localhost:3002/mcp',
    'http://localhost:3002/': 'http://localhost:3002/mcp',
    'http://localhost:3002/mcp': 'http://localhost:3002/mcp',
    'http://localhost:3002/mcp/': 'http://localhost:3002/mcp/',
    'https://mcp.example/todo': 'https://mcp.example/todo/mcp',
    'https://mcp.example/todo/': 'https://mcp.example/todo/mcp',
    'https://mcp.example/todomcp': 'https://mcp.example/todomcp/mcp'
  }
  for (const [url, resource] of Object.entries(rows)) {
    const { config } = await loadConfig({ env: { ...FASTMCP, MCP_URL: url } })
    t.equal(onlyServer(config).resource, resource)
    // The audience is what was registered, to the letter.
    t.strictSame(onlyServer(config).audience, ['res_926123456', url])
  }
})

t.test('the environment URL may end in a slash and must have its scheme once', async (t) => {
  inEmptyDirectory(t)
  for (const [env, name] of [[FASTMCP, 'SCALEKIT_ENVIRONMENT_URL'], [SDK, 'SK_ENV_URL']] as const) {
    const { config } = await loadConfig({ env: { ...env, [name]: `${BASE}/` } })
    t.match(onlyServer(config).authorizationServers, [{ issuer: ISSUER, issuers: [BASE], jwksUri: `${BASE}/keys` }])
    const rows = {
      'acme.scalekit.dev': 'must be an absolute URL: put https:// (or http://) in front',
      'https://https://acme.scalekit.dev': 'has its scheme twice',
      'https://<your-env>.scalekit.com': 'is not a valid URL',
      'http://acme.scalekit.dev': 'must be https, because its host is not loopback; inside a private network "allowHttp": true permits http'
    }
    for (const [url, message] of Object.entries(rows)) {
      t.strictSame(await problemsOf(loadConfig({ env: { ...env, [name]: url } })), [`${name}: ${message}`])
    }
  }
})

t.test('what is missing is listed by the name of its variable', async (t) => {
  inEmptyDirectory(t)
  const places = async (env: Variables) => (await problemsOf(loadConfig({ env }))).map((problem) => problem.split(':')[0])
  t.strictSame(await places({ MCP_URL: 'http://localhost:3002/' }), ['SCALEKIT_ENVIRONMENT_URL', 'SCALEKIT_RESOURCE_ID', 'UPSTREAM_URL'])
  t.strictSame(await places({ SCALEKIT_CLIENT_ID: 'x' }), ['SCALEKIT_ENVIRONMENT_URL', 'SCALEKIT_RESOURCE_ID', 'MCP_URL', 'UPSTREAM_URL'])
  t.strictSame(await places({ SK_CLIENT_ID: 'x' }), ['SK_ENV_URL', 'EXPECTED_AUDIENCE', 'PROTECTED_RESOURCE_METADATA', 'UPSTREAM_URL'])
  for (const name of ['SCALEKIT_ENVIRONMENT_URL', 'SCALEKIT_RESOURCE_ID', 'MCP_URL', 'UPSTREAM_URL']) {
    t.strictSame(await places({ ...FASTMCP, [name]: '' }), [name])
  }
  for (const name of ['SK_ENV_URL', 'EXPECTED_AUDIENCE', 'PROTECTED_RESOURCE_METADATA', 'UPSTREAM_URL']) {
    t.strictSame(await places({ ...SDK, [name]: undefined }), [name])
  }
})

t.test('an id without res_ is refused: every token would be', async (t) => {
  inEmptyDirectory(t)
  for (const id of ['926123456', 'conn_926123456', 'res_', 'res_1/../2', 'res_1?x', 'res_a b']) {
    t.strictSame(await problemsOf(loadConfig({ env: { ...FASTMCP, SCALEKIT_RESOURCE_ID: id } })), [
      'SCALEKIT_RESOURCE_ID: must be the id of the MCP server in the Scalekit dashboard, which starts with res_'
    ])
  }
})

t.test('the metadata document is checked at the start', async (t) => {
  inEmptyDirectory(t)
  const withDocument = (text: string) => problemsOf(
    loadConfig({ env: { ...SDK, PROTECTED_RESOURCE_METADATA: text } })
  )
  const withMembers = (members: object) => withDocument(JSON.stringify({ ...DOCUMENT, ...members }))
  const rows: readonly (readonly [Promise<string[]>, RegExp])[] = [
    [withDocument("'<resource-metadata-json-from-scalekit-dashboard>'"), /^PROTECTED_RESOURCE_METADATA: at 1:1 is not JSON .*dashboard/],
    [withDocument('{"resource": "http://localhost:3002/",\n}'), /^PROTECTED_RESOURCE_METADATA: at 2:1 is not JSON/],
    [withDocument('{"resource": "http://localhost:3002/", "resource": "http://localhost:3003/"}'), /^PROTECTED_RESOURCE_METADATA: at 1:40 repeats a member/],
    [withDocument('[]'), /^PROTECTED_RESOURCE_METADATA: must be the metadata document/],
    [withMembers({ resource: undefined }), /^PROTECTED_RESOURCE_METADATA\.resource: is required/],
    [withMembers({ resource: 'localhost:3002' }), /^PROTECTED_RESOURCE_METADATA\.resource: must be an absolute URL/],
    [withMembers({ resource: 'http://localhost:3002/?x' }), /^PROTECTED_RESOURCE_METADATA\.resource: must not have a query/],
    [withMembers({ authorization_servers: BASE }), /^PROTECTED_RESOURCE_METADATA\.authorization_servers: must be a non-empty array/],
    [withMembers({ authorization_servers: [] }), /^PROTECTED_RESOURCE_METADATA\.authorization_servers: must be a non-empty array/],
    [withMembers({ authorization_servers: [`https://${BASE}/resources/res_1`] }), /^PROTECTED_RESOURCE_METADATA\.authorization_servers\[0\]: has its scheme twice/],
    [withMembers({ authorization_servers: [BASE, 'http://other.example'] }), /^PROTECTED_RESOURCE_METADATA\.authorization_servers\[1\]: must be https/],
    [withMembers({ bearer_methods_supported: ['header', 'query'] }), /^PROTECTED_RESOURCE_METADATA\.bearer_methods_supported: contradicts/],
    [withMembers({ scopes_supported: ['todo read'] }), /^PROTECTED_RESOURCE_METADATA\.scopes_supported\[0\]: must be a scope/]
  ]
  for (const [finding, problem] of rows) {
    const problems = await finding
    t.equal(problems.length, 1, String(problem))
    t.match(problems[0], problem)
  }
})

t.test('the issuers of the document are published as they stand there, and the environment itself is accepted too', async (t) => {
  inEmptyDirectory(t)
  const issuersWith = async (members: object) => {
    const { config } = await loadConfig({
      env: { ...SDK, PROTECTED_RESOURCE_METADATA: JSON.stringify({ ...DOCUMENT, ...members }) }
    })
    return onlyServer(config).authorizationServers.map(({ issuer, issuers, advertise, jwksUri }) => {
      t.equal(advertise, undefined, 'the issuer itself')
      t.equal(jwksUri, `${BASE}/keys`)
      return [issuer, ...issuers]
    })
  }
  t.strictSame(await issuersWith({}), [[ISSUER, BASE]])
  t.strictSame(await issuersWith({ authorization_servers: undefined }), [[BASE]])
  t.strictSame(await issuersWith({ authorization_servers: [BASE] }), [[BASE]])
  t.strictSame(await issuersWith({ authorization_servers: [ISSUER, BASE] }), [[ISSUER], [BASE]])
  t.strictSame(await issuersWith({ authorization_servers: [ISSUER, 'https://auth.acme.example', ISSUER] }), [[ISSUER, BASE], ['https://auth.acme.example']])
})

t.test('scopes are left out of the metadata rather than published empty', async (t) => {
  inEmptyDirectory(t)
  const { config } = await loadConfig({
    env: { ...SDK, PROTECTED_RESOURCE_METADATA: JSON.stringify({ ...DOCUMENT, scopes_supported: [] }) }
  })
  t.notOk('scopes_supported' in onlyServer(config).metadata)
})

t.test('the SDK set-up may name the environment as the other one does', async (t) => {
  inEmptyDirectory(t)
  const { SK_ENV_URL: url, SK_CLIENT_ID: id, SK_CLIENT_SECRET: secret, ...rest } = SDK as Variables
  const { config } = await loadConfig({
    env: { ...rest, SCALEKIT_ENVIRONMENT_URL: url, SCALEKIT_CLIENT_ID: id, SCALEKIT_CLIENT_SECRET: secret }
  })
  t.match(onlyServer(config).authorizationServers, [{ issuer: ISSUER, issuers: [BASE] }])
})

t.test('variables of both set-ups at once are refused', async (t) => {
  inEmptyDirectory(t)
  for (const env of [{ ...FASTMCP, SK_ENV_URL: BASE }, { ...FASTMCP, SK_CLIENT_SECRET: 'x' }, { ...SDK, SCALEKIT_ENVIRONMENT_URL: BASE }, { ...FASTMCP, EXPECTED_AUDIENCE: 'x' }, { SCALEKIT_CLIENT_ID: 'x', SK_CLIENT_ID: 'y' }]) {
    const problems = await problemsOf(loadConfig({ env }))
    t.equal(problems.length, 1)
    t.match(problems[0], /^environment: mixes the variables of two set-ups, .*SCALEKIT_.*: keep those of one$/)
  }
})

t.test('an upstream that is the gateway itself, as after moving only the port of the gateway, is refused', async (t) => {
  inEmptyDirectory(t)
  t.match(await problemsOf(loadConfig({ env: { ...FASTMCP, UPSTREAM_URL: 'http://localhost:3002/mcp' } })), [/^UPSTREAM_URL: is the gateway itself/])
})
