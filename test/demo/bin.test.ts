import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

interface Process {
  /** Everything printed until the server said that it is ready. */
  readonly output: string
  /** Sends SIGTERM; returns the exit code and what was written to standard error. */
  stop (): Promise<{ code: number | null, stderr: string }>
}

/** Runs an entry point on any free port until it prints a line that matches. */
async function start (t: Test, name: string, env: Record<string, string>, ready: RegExp): Promise<Process> {
  const path = fileURLToPath(new URL(`../../demo/bin/${name}.ts`, import.meta.url))
  // The arguments and the environment of this process carry what runs TypeScript.
  const child = spawn(process.execPath, [...process.execArgv, path], { env: { ...process.env, HOST: '127.0.0.1', PORT: '0', ...env } })
  t.teardown(() => { child.kill('SIGKILL') })
  let output = ''
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString() })
  const ended = new Promise<{ code: number | null, stderr: string }>((resolve) => {
    child.on('close', (code) => { resolve({ code, stderr }) })
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (ready.test(output)) resolve()
    })
    child.on('close', () => { reject(new Error(`${name} ended: ${stderr}`)) })
  })
  return {
    output,
    stop () {
      child.kill('SIGTERM')
      return ended
    }
  }
}

t.test('the todo server of the container answers and stops on SIGTERM', async (t) => {
  const server = await start(t, 'todo-server', {}, /listens at .*\n/)
  const url = /http:\S+/.exec(server.output)?.[0] ?? ''
  t.same(await (await fetch(new URL('/health', url))).json(), { status: 'healthy' })
  t.same(await server.stop(), { code: 0, stderr: '' })
})

t.test('the authorization server of the container is as its environment says, prints no notices and stops on SIGTERM', async (t) => {
  const env = { ISSUER: 'http://auth.example:9000', RESOURCE: 'http://localhost:3002/mcp', SCOPES: 'todo:read, todo:write', CLIENT_SECRET: 'a-secret-of-the-test' }
  const server = await start(t, 'authorization-server', env, /client credentials: .*\n/)
  t.match(server.output, /http:\/\/auth\.example:9000 listens on port \d+ and issues tokens for http:\/\/localhost:3002\/mcp/)
  t.notMatch(server.output, /a-secret-of-the-test/)
  const base = `http://127.0.0.1:${/port (\d+)/.exec(server.output)?.[1]}`
  t.equal((await fetch(`${base}/health`)).status, 200)
  t.match(await (await fetch(`${base}/.well-known/oauth-authorization-server`)).json(), {
    issuer: 'http://auth.example:9000', jwks_uri: 'http://auth.example:9000/jwks'
  })
  const answer = await fetch(`${base}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('postern-demo:a-secret-of-the-test')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'todo:write' })
  })
  t.match(await answer.json(), { access_token: String, scope: 'todo:write' })
  t.same(await server.stop(), { code: 0, stderr: '' })
})

t.test('a port that is none ends the process', async (t) => {
  await t.rejects(start(t, 'todo-server', { PORT: '80x' }, /listens/), { message: /PORT is not a port number: 80x/ })
})
