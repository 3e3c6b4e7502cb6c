import { startAuthorizationServer, type AuthorizationServer } from './authorization-server.js'
import { PortTaken } from './listen.js'
import { renderGuide } from './guide.js'
import { startTodoServer } from './todo-server.js'

/** Starts a gateway for a configuration (the configuration file's form) on a loopback port. */
export type StartGateway = (
  config: unknown,
  listenOn: { readonly host: string, readonly port: number }
) => Promise<{ readonly url: string, close (): Promise<void> }>

export interface DemoOptions {
  /** Default 3002. */
  readonly gatewayPort?: number
  /** Default 8080. */
  readonly todoPort?: number
  /** Default 9000. */
  readonly authorizationServerPort?: number
  readonly startGateway: StartGateway
  /** Gets one line at a time. */
  readonly print: (line: string) => void
}

export interface Demo {
  close (): Promise<void>
}

const scopes = ['todo:read', 'todo:write']
const seed = ['Read a list with the read-only token', 'Be refused a write, and see why']

/**
 * Starts the authorization server, the todo server and the gateway on loopback addresses and
 * prints how to try them. Throws PortTaken, naming the option that changes the port; whatever
 * was started by then is stopped again.
 */
export async function runDemo (options: DemoOptions): Promise<Demo> {
  const { gatewayPort = 3002, todoPort = 8080, authorizationServerPort = 9000, startGateway, print } = options
  const resource = `http://localhost:${gatewayPort}/mcp`
  const started: Demo[] = []
  // The gateway first, so that nothing loses its upstream while it answers.
  const close = async (): Promise<void> => { for (const part of started.reverse()) await part.close() }

  try {
    const authorizationServer = await advise('--authorization-server-port', authorizationServerPort, 'authorization server', () =>
      startAuthorizationServer({ port: authorizationServerPort, resources: [{ resource, scopes }], log: print }))
    started.push(authorizationServer)
    const todoServer = await advise('--todo-port', todoPort, 'todo server', () => startTodoServer({ port: todoPort, seed }))
    started.push(todoServer)
    const config = createDemoConfig({ resource, upstream: todoServer.url, issuer: authorizationServer.issuer })
    started.push(await advise('--gateway-port', gatewayPort, 'gateway', () =>
      startGateway(config, { host: '127.0.0.1', port: gatewayPort })))

    const token = await requestToken(authorizationServer, resource, 'todo:read')
    for (const line of renderGuide({ resource, token, issuer: authorizationServer.issuer })) print(line)
    return { close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Returns the gateway's configuration for the demo, in the form of a configuration file. */
export function createDemoConfig ({ resource, upstream, issuer }: { resource: string, upstream: string, issuer: string }): Record<string, unknown> {
  return {
    resource,
    upstream,
    authorizationServers: [issuer],
    policy: {
      tools: { list_todos: 'todo:read', get_todo: 'todo:read', '*_todo': 'todo:write' },
      // A step-up of clients that ask for the challenge's scopes alone must not cost them the lists.
      implies: { 'todo:write': ['todo:read'] }
    },
    metadata: { resource_name: 'Postern demo: todos' },
    // The MCP Inspector's web page.
    origins: ['http://localhost:6274', 'http://127.0.0.1:6274'],
    // Ctrl+C should not have to wait for a client that listens.
    limits: { drainMs: 500 }
  }
}

/** Names the command line option in the error for a port that is taken. */
async function advise<Part> (option: string, port: number, purpose: string, start: () => Promise<Part>): Promise<Part> {
  try {
    return await start()
  } catch (error) {
    const isTaken = error instanceof PortTaken || (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    throw isTaken ? new PortTaken(port, purpose, `choose another with ${option}`) : error
  }
}

/** Gets a token with client credentials (RFC 6749 §4.4), as any program would. */
async function requestToken ({ issuer, clientCredentials }: AuthorizationServer, resource: string, scope: string): Promise<string> {
  const { clientId, clientSecret } = clientCredentials
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope })
  })
  const answer = await response.json() as { access_token?: string }
  if (answer.access_token === undefined) throw new Error(`the authorization server issued no token: ${JSON.stringify(answer)}`)
  return answer.access_token
}
