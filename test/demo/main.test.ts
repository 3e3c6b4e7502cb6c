import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { createDemoConfig, runDemo, type StartGateway } from '../../demo/main.js'
import { startStandInGateway } from './stand-in-gateway.js'

/** Listens on any free port and returns it with what frees it again. */
async function occupyPort (t: Test): Promise<{ port: number, free (): Promise<void> }> {
  const server = createServer()
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const free = () => new Promise<void>((resolve) => { server.close(() => { resolve() }) })
  t.teardown(free)
  return { port: (server.address() as AddressInfo).port, free }
}

async function findFreePort (t: Test): Promise<number> {
  const { port, free } = await occupyPort(t)
  await free()
  return port
}

const startGateway: StartGateway = (config, { port }) => {
  const { authorizationServers: [issuer = ''], upstream } = config as { authorizationServers: string[], upstream: string }
  return startStandInGateway({ port, issuer, upstream })
}

async function run (command: string): Promise<string> {
  return (await promisify(execFile)('sh', ['-c', command])).stdout
}

t.test('the printed commands work as they stand', async (t) => {
  const lines: string[] = []
  const gatewayPort = await findFreePort(t)
  const demo = await runDemo({ gatewayPort, todoPort: 0, authorizationServerPort: 0, startGateway, print: (line) => lines.push(line) })
  t.teardown(() => demo.close())

  const [list = '', create = ''] = lines.filter((line) => line.startsWith('curl'))
  const answer = JSON.parse((await run(list)).split('\n').find((line) => line.startsWith('data: '))?.slice(6) ?? '')
  t.match(answer.result.structuredContent, { todos: [{ title: String }, { title: String }] }, 'the list has something in it')

  const refusal = await run(create.replace('curl -i', 'curl -s -i'))
  t.match(refusal, /^HTTP\/1\.1 403 /)
  t.match(refusal, /www-authenticate: Bearer error="insufficient_scope", scope="todo:write"/i)

  const text = lines.join('\n')
  t.ok(text.includes(`claude mcp add --transport http postern-demo http://localhost:${gatewayPort}/mcp`))
  t.ok(text.includes('npx @modelcontextprotocol/inspector'))
  t.ok(text.includes(`{"servers":{"postern-demo":{"type":"http","url":"http://localhost:${gatewayPort}/mcp"}}}`))
})

t.test('the configuration is for the three defaults', async (t) => {
  t.match(createDemoConfig({ resource: 'http://localhost:3002/mcp', upstream: 'http://localhost:8080/mcp', issuer: 'http://localhost:9000' }), {
    resource: 'http://localhost:3002/mcp',
    upstream: 'http://localhost:8080/mcp',
    authorizationServers: ['http://localhost:9000'],
    policy: { tools: { list_todos: 'todo:read', get_todo: 'todo:read', '*_todo': 'todo:write' } }
  })
})

t.test('a port that is taken is named together with its option, and nothing stays behind', async (t) => {
  const { port: taken } = await occupyPort(t)
  const [todoPort, authorizationServerPort] = [await findFreePort(t), await findFreePort(t)]
  const common = { startGateway, print: () => {} }

  await t.rejects(runDemo({ ...common, gatewayPort: 1, todoPort, authorizationServerPort: taken }), {
    message: `port ${taken} for the authorization server is already in use: stop what listens there or choose another with --authorization-server-port`
  })
  await t.rejects(runDemo({ ...common, gatewayPort: 1, todoPort: taken, authorizationServerPort }), {
    message: `port ${taken} for the todo server is already in use: stop what listens there or choose another with --todo-port`
  })
  await t.rejects(runDemo({ ...common, gatewayPort: taken, todoPort, authorizationServerPort }), {
    message: `port ${taken} for the gateway is already in use: stop what listens there or choose another with --gateway-port`
  })
  const systemError = Object.assign(new Error('listen'), { code: 'EADDRINUSE' })
  await t.rejects(runDemo({ ...common, gatewayPort: taken, todoPort, authorizationServerPort, startGateway: () => Promise.reject(systemError) }),
    { message: /--gateway-port/ }, 'also when the gateway reports it in the words of the system')

  for (const port of [todoPort, authorizationServerPort]) {
    await t.rejects(fetch(`http://127.0.0.1:${port}/health`), `nothing listens on port ${port}`)
  }
})

t.test('closing stops all three', async (t) => {
  const ports = [await findFreePort(t), await findFreePort(t), await findFreePort(t)] as const
  const [gatewayPort, todoPort, authorizationServerPort] = ports
  const demo = await runDemo({ gatewayPort, todoPort, authorizationServerPort, startGateway, print: () => {} })
  for (const port of ports) t.ok(await fetch(`http://127.0.0.1:${port}/health`), 'answers')
  await demo.close()
  for (const port of ports) await t.rejects(fetch(`http://127.0.0.1:${port}/health`))
})
