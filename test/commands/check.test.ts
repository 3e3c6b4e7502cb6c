import t from 'tap'
import { todoConfig, writeConfig } from '../helpers/configuration.js'
import { runCli } from '../helpers/process.js'

t.test('a good configuration is "ok", with all that would be served', async (t) => {
  const { file } = writeConfig(t, todoConfig())
  const { code, stdout, stderr } = await runCli(t, ['check', '--config', file])
  t.equal(code, 0)
  t.equal(stderr, '')
  t.equal(stdout, `ok: ${file}
would listen on 127.0.0.1:3002

resource              http://localhost:3002/mcp
metadata              http://localhost:3002/.well-known/oauth-protected-resource/mcp
upstream              http://localhost:8080/mcp
authorization server  http://localhost:9000
  keys                as its metadata says
  audiences           http://localhost:3002/mcp

kind       name        may be used with
tools      list_todos  todo:read
tools      get_todo    todo:read
tools      *_todo      todo:write
tools      (unlisted)  nobody
resources  (unlisted)  nobody
prompts    (unlisted)  nobody

kind       name        todo:read  todo:write
tools      list_todos  ✓          ·
tools      get_todo    ✓          ·
tools      *_todo      ·          ✓
tools      (unlisted)  ·          ·
resources  (unlisted)  ·          ·
prompts    (unlisted)  ·          ·

warning: scopes_supported: publishes every scope of the policy, and clients ask for all of them at the first login; if the authorization server lets registered clients ask for more later (postern doctor --register), defaultScopes can name fewer
`)
})

t.test('what is accepted, and what is allowed but seldom meant, is shown for every protected server', async (t) => {
  const { file } = writeConfig(t, {
    authorizationServers: [
      { issuer: 'https://a.example', issuers: ['https://old.example'], jwksUri: 'https://a.example/keys', audience: ['api://todos'] },
      { issuer: 'https://cognito.example/pool', clientIds: ['one', 'two'] }
    ],
    servers: [
      { resource: 'https://mcp.example/todos', upstream: 'http://localhost:8080/mcp', policy: { tools: { 'a\u001b[2J': 'x' }, implies: { y: ['z'] } } },
      { resource: 'https://mcp.example/notes', upstream: 'http://localhost:8081/mcp', policy: { unlisted: 'allow' } }
    ],
    admin: { host: '::1', port: 9464 }
  })
  const { code, stdout } = await runCli(t, ['check', '--config', file])
  t.equal(code, 0)
  for (const line of [
    'would listen on [::1]:9464 for the operator',
    'resource              https://mcp.example/todos',
    'resource              https://mcp.example/notes',
    'authorization server  https://a.example',
    '  or as issuer        https://old.example',
    '  keys                https://a.example/keys',
    '  audiences           api://todos',
    '  client ids          one, two',
    'tools      (unlisted)  any accepted token'
  ]) t.ok(stdout.includes(`\n${line}\n`), line)
  t.match(stdout, /^warning: servers\[1\]\.policy\.unlisted: every tool/m)
  t.match(stdout, /^warning: policy\.implies\.y: no rule names a scope that it implies$/m)
  t.notOk(stdout.includes('\u001b'), 'and nothing in it steers the terminal')
})

t.test('flags beat the environment', async (t) => {
  const { file } = writeConfig(t, todoConfig())
  const env = { POSTERN_CONFIG: '/nowhere.json', HOST: '0.0.0.0', PORT: '4000' }
  t.match((await runCli(t, ['check'], { env: { ...env, POSTERN_CONFIG: file } })).stdout, '\nwould listen on 0.0.0.0:4000\n')
  t.match((await runCli(t, ['check', '--config', file, '--host', '127.0.0.2', '--port', '5000'], { env })).stdout, '\nwould listen on 127.0.0.2:5000\n')
})

t.test('the environment beats what the file says as default', async (t) => {
  // eslint-disable-next-line no-template-curly-in-string
  const { file } = writeConfig(t, todoConfig({ upstream: '${TODOS:-http://localhost:8080/mcp}' }))
  t.match((await runCli(t, ['check', '--config', file])).stdout, /^upstream +http:\/\/localhost:8080\/mcp$/m)
  t.match((await runCli(t, ['check', '--config', file], { env: { TODOS: 'http://todos:1234/mcp' } })).stdout, /^upstream +http:\/\/todos:1234\/mcp$/m)
})

t.test('./config.json is the default', async (t) => {
  const directory = t.testdir({ 'config.json': JSON.stringify(todoConfig()) })
  t.match(await runCli(t, ['check'], { cwd: directory }), { code: 0, stdout: /^ok: \.\/config\.json\n/ })
})

t.test('that every scope is published is no warning where there is one scope, or fewer are named', async (t) => {
  for (const members of [{ policy: { tools: { a: 'todo:read' } } }, { defaultScopes: ['todo:read'] }, { metadata: { scopes_supported: ['todo:read'] } }]) {
    const { file } = writeConfig(t, todoConfig(members))
    t.notMatch((await runCli(t, ['check', '--config', file])).stdout, 'publishes every scope')
  }
})
