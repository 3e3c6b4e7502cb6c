import t from 'tap'
import { createDemoConfig, runDemo } from '../../demo/main.js'
import { showTodos } from '../../demo/scene.js'
import { startGateway } from '../../src/commands/demo.js'
import { findFreePort, occupyPort } from '../helpers/ports.js'

t.test('the configuration is for the three defaults', async (t) => {
  const scene = showTodos('http://localhost:8080/mcp')
  t.match(createDemoConfig(scene, 'http://localhost:3002/mcp', 'http://localhost:9000'), {
    resource: 'http://localhost:3002/mcp',
    upstream: 'http://localhost:8080/mcp',
    authorizationServers: ['http://localhost:9000'],
    policy: { tools: { list_todos: 'todo:read', get_todo: 'todo:read', '*_todo': 'todo:write' } }
  })
})

t.test('a port that is taken is named together with its option, and nothing stays behind', async (t) => {
  const taken = await occupyPort(t)
  const [todoPort, authorizationServerPort] = [await findFreePort(), await findFreePort()]
  const common = { startGateway, print: () => {} }
  const advice = 'already in use: stop what listens there or choose another with'

  await t.rejects(runDemo({ ...common, gatewayPort: 1, todoPort, authorizationServerPort: taken }), {
    message: `port ${taken} for the authorization server is ${advice} --authorization-server-port`
  })
  await t.rejects(runDemo({ ...common, gatewayPort: 1, todoPort: taken, authorizationServerPort }), {
    message: `port ${taken} for the todo server is ${advice} --todo-port`
  })
  await t.rejects(runDemo({ ...common, gatewayPort: taken, todoPort, authorizationServerPort }), {
    message: `port ${taken} for the gateway is ${advice} --gateway-port`
  })

  for (const port of [todoPort, authorizationServerPort]) {
    await t.rejects(fetch(`http://127.0.0.1:${port}/health`), `nothing listens on port ${port}`)
  }
})

t.test('closing stops all three', async (t) => {
  const ports = [await findFreePort(), await findFreePort(), await findFreePort()] as const
  const [gatewayPort, todoPort, authorizationServerPort] = ports
  const demo = await runDemo({
    gatewayPort, todoPort, authorizationServerPort, startGateway, print: () => {}
  })
  for (const port of ports) t.ok(await fetch(`http://127.0.0.1:${port}/health`), 'answers')
  await demo.close()
  for (const port of ports) await t.rejects(fetch(`http://127.0.0.1:${port}/health`))
})
