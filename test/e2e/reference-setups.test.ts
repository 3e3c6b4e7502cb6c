import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startTodoServer } from '../../demo/todo-server.js'
import { post, toolCall } from '../helpers/gateway.js'
import { sendJson, startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { findFreePort } from '../helpers/ports.js'
import { listeningUrl, startCli, type RunningProgram } from '../helpers/process.js'
import { ROOT } from '../helpers/root.js'

// The lists by which the guides of the two Scalekit set-ups have people verify what they built, gone through
// with the gateway started from those people's own .env: FastMCP with ScalekitProvider, and FastAPI or
// Express with the SDK.

const RESOURCE_ID = 'res_926123456'
const TOOL_SCOPES = JSON.stringify({ list_todos: 'todo:read', get_todo: 'todo:read', '*_todo': 'todo:write' })
const CLIENT_SECRET = 'test_secret_of_the_client'

interface SetUp {
  readonly name: string
  /** Its .env, as it stands in a file. */
  readonly env: string
  /** Path of the MCP endpoint. */
  readonly path: string
  /** Where the metadata document is for the set-up's own clients. */
  readonly metadata: string
  /** Accepted `aud` values for a gateway at an origin. */
  readonly audiences: (origin: string) => string[]
}

const setUps: SetUp[] = [
  {
    name: 'FastMCP with ScalekitProvider',
    env: 'fastmcp.env',
    path: '/mcp',
    metadata: '/.well-known/oauth-protected-resource/mcp',
    audiences: (origin) => [RESOURCE_ID, `${origin}/`]
  },
  {
    name: 'FastAPI or Express with the Scalekit SDK',
    env: 'sdk.env',
    path: '/',
    metadata: '/.well-known/oauth-protected-resource',
    audiences: (origin) => [`${origin}/`]
  }
]

interface Started {
  readonly gateway: RunningProgram
  /** As the .env has it: `http://localhost:<port>`. */
  readonly origin: string
  readonly scalekit: TestIssuer
  post (token: string | undefined, message: object): Promise<Response>
}

/**
 * Starts a Scalekit environment, the todo server, and the gateway with nothing but the .env and what is added
 * to it.
 */
async function start (t: Test, setUp: SetUp, more: Readonly<Record<string, string>> = {}): Promise<Started> {
  const scalekit = await startIssuer(t, { alg: 'RS256' })
  scalekit.routes.set('/keys', (_request, response) => sendJson(response, { keys: scalekit.keys }))
  scalekit.routes.delete('/jwks')
  const todos = await startTodoServer({ port: 0 })
  t.after(() => todos.close())
  const port = await findFreePort()
  const origin = `http://localhost:${port}`
  const file = readFileSync(join(ROOT, 'test/config/fixtures', setUp.env), 'utf8')
    .replaceAll('https://acme.scalekit.dev', scalekit.origin)
    .replaceAll('http://localhost:3002', origin)
    .replace('PORT=3002', `PORT=${port}`)
  // As `docker run --env-file` takes it: quotes are part of the value.
  const env = Object.fromEntries(file.split('\n').filter((line) => line !== '').map((line) => {
    const [name = '', ...value] = line.split('=')
    return [name, value.join('=')]
  }))
  const gateway = startCli(t, [], { cwd: t.testdir(), env: { ...env, UPSTREAM_URL: todos.url, ...more } })
  await listeningUrl(gateway)
  return {
    gateway,
    origin,
    scalekit,
    post: (token, message) => post(origin + setUp.path, token, message)
  }
}

/** Returns the result in a response that is one JSON document or one server-sent event. */
async function resultOf (response: Response): Promise<unknown> {
  const text = await response.text()
  const json = text.startsWith('{') ? text : /^data: (.*)$/m.exec(text)?.[1] ?? 'null'
  return (JSON.parse(json) as { result?: unknown } | null)?.result
}

for (const setUp of setUps) {
  t.test(`${setUp.name}: everything on its verification list holds behind the gateway`, async (t) => {
    const { gateway, origin, scalekit, post } = await start(t, setUp, { TOOL_SCOPES })
    const environmentIssuer = scalekit.origin
    const resourceIssuer = `${scalekit.origin}/resources/${RESOURCE_ID}`
    const [audience] = setUp.audiences(origin)
    const token = (
      claims: Record<string, unknown> = {}
    ): Promise<string> => scalekit.token({ iss: resourceIssuer, aud: [audience], ...claims })

    await t.test('the metadata is answered without credentials', async (t) => {
      const response = await fetch(origin + setUp.metadata)
      t.equal(response.status, 200)
      t.match(await response.json(), {
        resource: origin + setUp.path,
        authorization_servers: [resourceIssuer],
        bearer_methods_supported: ['header'],
        scopes_supported: ['todo:read', 'todo:write']
      })
      t.equal((await fetch(`${origin}/.well-known/oauth-protected-resource`)).status, 200, 'at the root path too, where clients look next')
    })

    await t.test('health is {"status":"healthy"}', async (t) => {
      const response = await fetch(`${origin}/health`)
      t.equal(response.status, 200)
      t.equal(await response.text(), '{"status":"healthy"}')
    })

    await t.test('no token: 401 with a challenge that leads to the metadata', async (t) => {
      const response = await post(undefined, toolCall('list_todos'))
      t.equal(response.status, 401)
      const [, url = ''] = /^Bearer resource_metadata="([^"]+)"/.exec(response.headers.get('www-authenticate') ?? '') ?? []
      t.match(await (await fetch(url)).json(), { resource: origin + setUp.path })
    })

    await t.test('a valid token of either issuer: the tool answers', async (t) => {
      for (const iss of [environmentIssuer, resourceIssuer]) {
        for (const aud of setUp.audiences(origin)) {
          const response = await post(await token({ iss, aud: [aud] }), toolCall('list_todos'))
          t.equal(response.status, 200, `${iss}, ${aud}`)
          t.match(await resultOf(response), { structuredContent: { todos: [] } })
        }
      }
    })

    await t.test('A4: scopes are read from a string or a list, whatever the claim is called', async (t) => {
      for (const claims of [{ scope: 'todo:read' }, { scope: undefined, scopes: ['todo:read'] }]) {
        const accessToken = await token(claims)
        t.equal((await post(accessToken, toolCall('list_todos'))).status, 200)
        t.equal((await post(accessToken, toolCall('create_todo', { title: 'x' }))).status, 403)
      }
    })

    await t.test('a wrong audience, issuer, key, or a token that has expired: 401', async (t) => {
      const stranger = await startIssuer(t, { alg: 'RS256' })
      const wrong = {
        'another resource id': await token({ aud: ['res_1'] }),
        'another server': await token({ aud: ['http://localhost:3999/'] }),
        'the environment as audience': await token({ aud: [environmentIssuer] }),
        'the resource of another server at this environment': await token({ iss: `${environmentIssuer}/resources/res_1` }),
        'no audience': await token({ aud: undefined }),
        'an issuer with a slash': await token({ iss: `${environmentIssuer}/` }),
        'another environment’s key': await stranger.token({ iss: resourceIssuer, aud: [audience] }),
        expired: await token({ exp: Math.floor(Date.now() / 1000) - 3600 })
      }
      for (const [name, accessToken] of Object.entries(wrong)) {
        const response = await post(accessToken, toolCall('list_todos'))
        t.equal(response.status, 401, name)
        t.match(response.headers.get('www-authenticate'), /error="invalid_token"/)
      }
    })

    await t.test('tokens with read, write, both, none: success with the right scope, 403 insufficient_scope with the wrong one', async (t) => {
      const expected = { 'todo:read': [200, 403], 'todo:write': [403, 200], 'todo:read todo:write': [200, 200], '': [403, 403] }
      for (const [scope, statuses] of Object.entries(expected)) {
        const accessToken = await token({ scope })
        const read = await post(accessToken, toolCall('list_todos'))
        const write = await post(accessToken, toolCall('create_todo', { title: 'x' }))
        t.same([read.status, write.status], statuses, `"${scope}"`)
        if (write.status === 403) t.match(write.headers.get('www-authenticate'), /^Bearer error="insufficient_scope", scope="todo:write( todo:read)?", resource_metadata="/)
      }
    })

    await t.test('the client secret of the .env appears nowhere', async (t) => {
      gateway.signal('SIGTERM')
      const { code, stdout, stderr } = await gateway.ended
      t.equal(code, 0)
      t.ok(stdout.includes('"event":"started"'))
      t.notOk((stdout + stderr).includes(CLIENT_SECRET))
    })
  })

  t.test(`${setUp.name}: without TOOL_SCOPES every tool is open to every valid token, as before, and the log says so`, async (t) => {
    const { gateway, origin, scalekit, post } = await start(t, setUp)
    const aud = setUp.audiences(origin)
    t.equal((await post(await scalekit.token({ aud, scope: undefined }), toolCall('create_todo', { title: 'x' }))).status, 200)
    t.equal((await post(undefined, toolCall('create_todo', { title: 'x' }))).status, 401)
    await gateway.printed(/"level":40.*TOOL_SCOPES \(not set\)/)
  })
}

t.test('FastAPI or Express with the Scalekit SDK: the dashboard’s document is published as it is', async (t) => {
  const { origin, scalekit } = await start(t, setUps[1] as SetUp)
  t.same(await (await fetch(`${origin}/.well-known/oauth-protected-resource`)).json(), {
    authorization_servers: [`${scalekit.origin}/resources/${RESOURCE_ID}`],
    bearer_methods_supported: ['header'],
    resource: `${origin}/`,
    resource_documentation: `${origin}/docs`,
    scopes_supported: ['todo:read', 'todo:write']
  })
})

t.test('a rotated key of the environment is picked up without a restart', async (t) => {
  const { origin, scalekit, post } = await start(t, setUps[0] as SetUp)
  const aud = [`${origin}/`]
  t.equal((await post(await scalekit.token({ aud }), toolCall('list_todos'))).status, 200)
  await scalekit.rotate('second')
  t.equal((await post(await scalekit.token({ aud }), toolCall('list_todos'))).status, 200)
})

t.test('variables of both set-ups together are refused with exit code 78', async (t) => {
  const gateway = startCli(t, [], { cwd: t.testdir(), env: { SCALEKIT_ENVIRONMENT_URL: 'https://a.example', SK_ENV_URL: 'https://a.example', UPSTREAM_URL: 'http://localhost:1/' } })
  const { code, stderr } = await gateway.ended
  t.equal(code, 78)
  t.match(stderr, 'mixes the variables of two set-ups, SCALEKIT_ENVIRONMENT_URL (FastMCP) and SK_ENV_URL (SDK)')
})
