import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { commandsIn, runCommands, runShell } from '../demo/printed-commands.js'
import { post } from '../helpers/gateway.js'
import { findFreePort, occupyPort } from '../helpers/ports.js'
import { startCli, startProgram, type RunningProgram } from '../helpers/process.js'
import { ROOT } from '../helpers/root.js'

interface Ports {
  readonly gateway: number
  readonly todo: number
  readonly authorizationServer: number
}

async function choosePorts (): Promise<Ports> {
  return {
    gateway: await findFreePort(),
    todo: await findFreePort(),
    authorizationServer: await findFreePort()
  }
}

/** Runs what `npm run demo` runs. */
function startDemo (t: Test, { gateway, todo, authorizationServer }: Ports): RunningProgram {
  return startCli(t, ['demo', '--gateway-port', String(gateway), '--todo-port', String(todo), '--authorization-server-port', String(authorizationServer)])
}

t.test('npm run demo is postern demo', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  t.equal(scripts['demo'], 'node dist/cli.js demo')
})

t.test('an installation without the demo, as in the container image, says how to get it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-image-'))
  t.teardown(() => { rmSync(folder, { recursive: true }) })
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true })
  for (const name of ['package.json', 'node_modules']) symlinkSync(join(ROOT, name), join(folder, name))
  t.match(await startProgram(t, process.execPath, [join(folder, 'dist/cli.js'), 'demo']).ended, {
    code: 1, stdout: '', stderr: 'postern: this installation is without the demo; npx postern demo runs it\n'
  })
})

t.test('O3: a crash in native code ends the demo', async (t) => {
  const demo = startDemo(t, await choosePorts())
  await demo.printed(/Stop with Ctrl\+C\.\n/)
  demo.signal('SIGSEGV')
  t.match(await demo.ended, { code: null, signal: 'SIGSEGV' })
})

t.test('the commands that the demo prints work exactly as they are printed, and Ctrl+C ends all of it', async (t) => {
  const ports = await choosePorts()
  const demo = startDemo(t, ports)
  await demo.printed(/Stop with Ctrl\+C\.\n/)
  const resource = `http://localhost:${ports.gateway}/mcp`

  await t.test('a token, a read, a refusal, and a step-up that succeeds', async (t) => {
    const commands = commandsIn(demo.stdout)
    t.equal(commands.match(/^export TOKEN=/gm)?.length, 2)
    t.equal(commands.match(/^curl /gm)?.length, 3)
    const [read = '', refusal = '', write = '', ...others] = await runCommands(t, commands)
    t.strictSame(others, [])
    t.match(read, /^HTTP\/1\.1 200 OK\n\{\n {2}todos: \[\n {4}\{\n {6}id: '[\w-]+',\n {6}title: 'Read a list with the read-only token',\n/)
    t.match(refusal, /^HTTP\/1\.1 403 Forbidden\n/)
    t.match(refusal, new RegExp(`^www-authenticate: Bearer error="insufficient_scope", scope="todo:write todo:read", resource_metadata="http://localhost:${ports.gateway}/\\.well-known/oauth-protected-resource/mcp"`, 'im'))
    t.match(write, /^HTTP\/1\.1 200 OK\n\{\n {2}todo: \{\n {4}id: '[\w-]+',\n {4}title: 'Buy milk',\n/)
  })

  await t.test('there are no colours where no terminal is', async (t) => {
    t.notOk(demo.stdout.includes('\u001b'))
  })

  await t.test('what it tells clients to connect to leads them to the authorization server', async (t) => {
    t.ok(demo.stdout.includes(`claude mcp add --transport http postern-demo ${resource}\n`))
    t.ok(demo.stdout.includes(`npx @modelcontextprotocol/inspector --transport http --server-url ${resource}\n`))
    t.ok(demo.stdout.includes(`code --add-mcp '{"name":"postern-demo","type":"http","url":"${resource}"}'\n`))
    const challenge = (await fetch(resource, { method: 'POST' })).headers.get('www-authenticate') ?? ''
    const metadata = await (await fetch(/resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? '')).json() as { resource: string, authorization_servers: string[] }
    t.equal(metadata.resource, resource)
    t.match(demo.stdout, `Authorization server: ${metadata.authorization_servers[0]} `)
    t.match(await (await fetch(`${metadata.authorization_servers[0]}/.well-known/oauth-authorization-server`)).json(), { registration_endpoint: String })
  })

  await t.test('Ctrl+C ends it with code 0, and nothing stays', async (t) => {
    demo.signalGroup('SIGINT')
    t.match(await demo.ended, { code: 0, signal: null, stderr: '' })
    t.notOk(demo.isAlive())
    for (const port of Object.values(ports)) await t.rejects(fetch(`http://127.0.0.1:${port}/health`))
  })
})

t.test('Ctrl+C ends the demo also while a client listens', async (t) => {
  const ports = await choosePorts()
  const demo = startDemo(t, ports)
  await demo.printed(/Stop with Ctrl\+C\.\n/)
  const [, fetchToken = ''] = /^export TOKEN=\$\(([\s\S]*?)\)$/m.exec(demo.stdout) ?? []
  const token = (await runShell(t, fetchToken)).trim()
  const listen = {
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true }, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' }, 'io.modelcontextprotocol/clientCapabilities': {} } }
  }
  const stream = await post(`http://localhost:${ports.gateway}/mcp`, token, listen, {
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' }
  })
  t.equal(stream.status, 200)
  t.equal(stream.headers.get('content-type'), 'text/event-stream')
  demo.signal('SIGINT')
  await stream.text()
  t.match(await demo.ended, { code: 0, signal: null })
})

t.test('a port that is taken is named together with its option', async (t) => {
  const taken = await occupyPort(t)
  t.match(await startDemo(t, { ...await choosePorts(), gateway: taken }).ended, {
    code: 1,
    stderr: `postern: port ${taken} for the gateway is already in use: stop what listens there or choose another with --gateway-port\n`
  })
})
