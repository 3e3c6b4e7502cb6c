import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startProgram, type RunningProgram } from '../helpers/process.js'
import { ROOT } from '../helpers/root.js'

/** Runs a built entry point, as the container does, on any free port. */
function start (t: Test, name: string, env: Record<string, string>): RunningProgram {
  const path = join(ROOT, `demo/dist/bin/${name}.js`)
  return startProgram(t, process.execPath, [path], { env: { HOST: '127.0.0.1', PORT: '0', ...env } })
}

/** Stops a program as a container engine does. */
async function stop (program: RunningProgram): Promise<{ code: number | null, stderr: string }> {
  program.signal('SIGTERM')
  const { code, stderr } = await program.ended
  return { code, stderr }
}

t.test('the todo server of the container answers and stops on SIGTERM', async (t) => {
  const server = start(t, 'todo-server', {})
  const [, url] = await server.printed(/listens at (http:\S+)\n/)
  t.same(await (await fetch(new URL('/health', url))).json(), { status: 'healthy' })
  t.same(await stop(server), { code: 0, stderr: '' })
})

t.test('the container\'s authorization server obeys its environment, stops and prints no notices', async (
  t
) => {
  const env = {
    ISSUER: 'http://auth.example:9000',
    RESOURCE: 'http://localhost:3002/mcp',
    SCOPES: 'todo:read, todo:write',
    CLIENT_SECRET: 'a-secret-of-the-test'
  }
  const server = start(t, 'authorization-server', env)
  await server.printed(/client credentials: .*\n/)
  t.match(
    server.stdout,
    /http:\/\/auth\.example:9000 listens on port \d+ and issues tokens for http:\/\/localhost:3002\/mcp/
  )
  t.notMatch(server.stdout, /a-secret-of-the-test/)
  const base = `http://127.0.0.1:${/port (\d+)/.exec(server.stdout)?.[1]}`
  t.equal((await fetch(`${base}/health`)).status, 200)
  t.match(await (await fetch(`${base}/.well-known/oauth-authorization-server`)).json(), {
    issuer: 'http://auth.example:9000', jwks_uri: 'http://auth.example:9000/jwks'
  })
  const response = await fetch(`${base}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('postern-demo:a-secret-of-the-test')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'todo:write' })
  })
  t.match(await response.json(), { access_token: String, scope: 'todo:write' })
  t.same(await stop(server), { code: 0, stderr: '' })
})

t.test('a PORT that is not a port number ends the process', async (t) => {
  const { code, stderr } = await start(t, 'todo-server', { PORT: '80x' }).ended
  t.equal(code, 1)
  t.match(stderr, /PORT is not a port number: 80x/)
})
