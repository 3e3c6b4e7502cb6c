import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { post } from '../helpers/gateway.js'
import { findFreePort, occupyPort } from '../helpers/ports.js'
import { startCli, type RunningProgram } from '../helpers/process.js'
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

async function run (command: string): Promise<string> {
  return (await promisify(execFile)('bash', ['-c', command])).stdout
}

t.test('npm run demo is postern demo', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  t.equal(scripts['demo'], 'node dist/cli.js demo')
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
  const [list = '', create = '', ...others] = demo.stdout.split('\n').filter((line) => line.startsWith('curl '))
  t.equal(others.length, 0)

  await t.test('the list has something in it', async (t) => {
    const event = /^data: (.*)$/m.exec(await run(list))?.[1] ?? ''
    t.match(JSON.parse(event), {
      result: { structuredContent: { todos: [{ title: String }, { title: String }] }, isError: false }
    })
  })

  await t.test('the write is refused, and the refusal names the scope that it needs', async (t) => {
    const refusal = await run(create)
    t.match(refusal, /^HTTP\/1\.1 403 /)
    t.match(refusal, new RegExp(`^www-authenticate: Bearer error="insufficient_scope", scope="todo:write todo:read", resource_metadata="http://localhost:${ports.gateway}/\\.well-known/oauth-protected-resource/mcp"`, 'im'))
    t.match(refusal, /"error":"insufficient_scope"/)
  })

  await t.test('what it tells clients to connect to leads them to the authorization server', async (t) => {
    t.ok(demo.stdout.includes(`claude mcp add --transport http postern-demo ${resource}\n`))
    t.ok(demo.stdout.includes(`npx @modelcontextprotocol/inspector, then connect to ${resource} `))
    t.ok(demo.stdout.includes(`{"servers":{"postern-demo":{"type":"http","url":"${resource}"}}}`))
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
  const [, token = ''] = await demo.printed(/Authorization: Bearer (\S+)'[\s\S]*Stop with Ctrl\+C\.\n/)
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
