import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startAuthorizationServer, type AuthorizationServer } from '../../../demo/authorization-server.js'
import { createDemoConfig } from '../../../demo/main.js'
import { showTodos } from '../../../demo/scene.js'
import { startTodoServer } from '../../../demo/todo-server.js'
import { startPostern } from '../../conformance/gateway.js'
import type { Closing } from '../../helpers/closing.js'
import { findFreePort } from '../../helpers/ports.js'
import { runServer } from '../server-process.js'

/** `demo` is what `postern demo` starts. The other one has what the demo has not: sessions, whole lists. */
export type ExaminedName = 'demo' | 'sessions'

/** What a grader examines: Postern before an MCP server, and the authorization server that it names. */
export interface Examined {
  readonly resource: string
  readonly authorizationServer: AuthorizationServer
  /** A tool that needs a scope that the graders do not ask for. */
  readonly privilegedTool: string
}

interface Protected {
  readonly upstream: string
  readonly title: string
  readonly policy: object
  readonly privilegedTool: string
}

/** The scope that the graders ask for, one that they do not, and another resource that has them as well. */
export const SCOPE = 'todo:read'
const PRIVILEGED_SCOPE = 'todo:write'
export const OTHER_RESOURCE = 'http://localhost:1/other'

const FASTMCP = fileURLToPath(new URL('../servers/fastmcp-server.js', import.meta.url))

/** Starts the MCP server, the authorization server, which signs in without a page, and the built gateway. */
export async function startExamined (
  closing: Closing, name: ExaminedName, folder: string
): Promise<Examined> {
  const resource = `http://localhost:${await findFreePort()}/mcp`
  const scopes = [SCOPE, PRIVILEGED_SCOPE]
  const authorizationServer = await startAuthorizationServer({
    port: 0, resources: [resource, OTHER_RESOURCE].map((resource) => ({ resource, scopes })), autoLogin: true
  })
  closing.after(() => authorizationServer.close())
  const scene = name === 'demo' ? await startTodos(closing) : await startSums(closing, folder)
  const file = join(folder, 'postern.json')
  await writeFile(file, JSON.stringify(createDemoConfig(scene, resource, authorizationServer.issuer)))
  await startPostern(closing, file, { port: Number(new URL(resource).port) })
  return { resource, authorizationServer, privilegedTool: scene.privilegedTool }
}

async function startTodos (closing: Closing): Promise<Protected> {
  const todos = await startTodoServer({ port: 0 })
  closing.after(() => todos.close())
  return { ...showTodos(todos.url), privilegedTool: 'create_todo' }
}

async function startSums (closing: Closing, folder: string): Promise<Protected> {
  const port = await findFreePort()
  await runServer(closing, [process.execPath, FASTMCP, `${port}`, 'stateful'], { port, env: {}, cwd: folder })
  const policy = { tools: { add: SCOPE, subtract: PRIVILEGED_SCOPE }, filterLists: false }
  return { upstream: `http://127.0.0.1:${port}/mcp`, title: 'sums', policy, privilegedTool: 'subtract' }
}
