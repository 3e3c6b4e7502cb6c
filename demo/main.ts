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
 * prints how to try them. Throws PortTaken, which names the option that changes the port, after
 * stopping what was started by then.
 */
export async function runDemo (options: DemoOptions): Promise<Demo> {
  const { gatewayPort = 3002, todoPort = 8080, authorizationServerPort = 9000, startGateway, print } = options
  const resource = `http://localhost:${gatewayPort}/mcp`
  const started: Demo[] = []
  // The gateway stops first, so that no request loses its upstream.
  const close = async (): Promise<void> => { for (const part of started.reverse()) await part.close() }

  async function start<Part extends Demo> (
    purpose: string, option: string, port: number, startPart: (port: number) => Promise<Part>
  ): Promise<Part> {
    const part = await startPart(port).catch((error: unknown) => {
      throw adviseOption(error, purpose, option, port)
    })
    started.push(part)
    return part
  }

  try {
    const authorizationServer = await start(
      'authorization server', '--authorization-server-port', authorizationServerPort,
      (port) => startAuthorizationServer({ port, resources: [{ resource, scopes }], log: print })
    )
    const todoServer = await start(
      'todo server', '--todo-port', todoPort,
      (port) => startTodoServer({ port, seed })
    )
    const { issuer } = authorizationServer
    const config = createDemoConfig({ resource, upstream: todoServer.url, issuer })
    await start(
      'gateway', '--gateway-port', gatewayPort,
      (port) => startGateway(config, { host: '127.0.0.1', port })
    )

    const token = await requestToken(authorizationServer, resource, 'todo:read')
    for (const line of renderGuide({ resource, token, issuer })) print(line)
    return { close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Returns the gateway's configuration for the demo, in the form of a configuration file. */
export function createDemoConfig (
  { resource, upstream, issuer }: { resource: string, upstream: string, issuer: string }
): Record<string, unknown> {
  return {
    resource,
    upstream,
    authorizationServers: [issuer],
    policy: {
      tools: { list_todos: 'todo:read', get_todo: 'todo:read', '*_todo': 'todo:write' },
      // Some clients ask only for the challenge's scopes: after the step-up they must still see the lists.
      implies: { 'todo:write': ['todo:read'] }
    },
    metadata: { resource_name: 'Postern demo: todos' },
    // The MCP Inspector's web page.
    origins: ['http://localhost:6274', 'http://127.0.0.1:6274'],
    // Ctrl+C must not wait for a client that listens.
    limits: { drainMs: 500 }
  }
}

/** Returns the error; for a port that is taken it names the command line option. */
function adviseOption (error: unknown, purpose: string, option: string, port: number): unknown {
  const isTaken = error instanceof PortTaken || (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  return isTaken ? new PortTaken(port, purpose, `choose another with ${option}`) : error
}

/** Gets a token with client credentials (RFC 6749 §4.4), as any program would. */
async function requestToken (
  { issuer, clientCredentials }: AuthorizationServer, resource: string, scope: string
): Promise<string> {
  const { clientId, clientSecret } = clientCredentials
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope })
  })
  const body = await response.json() as { access_token?: string }
  if (body.access_token === undefined) {
    throw new Error(`the authorization server issued no token: ${JSON.stringify(body)}`)
  }
  return body.access_token
}
