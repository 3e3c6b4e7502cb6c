import type { Test } from 'tap'
import { startAuthorizationServer, type AuthorizationServer } from '../../demo/authorization-server.js'
import { startTodoServer } from '../../demo/todo-server.js'
import { startGateway, type TestGateway, type TestGatewayOptions } from './gateway.js'

/**
 * Who may do what with the todos; a step-up that asks for the challenge's scopes alone must not cost the
 * reads.
 */
export const TODO_POLICY = {
  tools: { list_todos: 'todo:read', get_todo: 'todo:read', '*_todo': 'todo:write' },
  implies: { 'todo:write': ['todo:read'] }
}

export interface TodoStack {
  readonly gateway: TestGateway
  readonly authorizationServer: AuthorizationServer
}

/**
 * Starts the demo's todo server and authorization server, which signs in whom it is told to, and a gateway
 * between them.
 */
export async function startTodoStack (
  t: Test, options: Pick<TestGatewayOptions, 'config' | 'clock'> = {}
): Promise<TodoStack> {
  const todos = await startTodoServer({ port: 0 })
  t.teardown(() => todos.close())
  const authorizationServer = await startAuthorizationServer({ port: 0, resources: [], autoLogin: true })
  t.teardown(() => authorizationServer.close())
  const gateway = await startGateway(t, {
    upstream: todos.url,
    issuer: authorizationServer.issuer,
    config: { policy: TODO_POLICY, defaultScopes: ['todo:read'] },
    ...options
  })
  authorizationServer.addResource({ resource: gateway.resource, scopes: ['todo:read', 'todo:write'] })
  return { gateway, authorizationServer }
}
