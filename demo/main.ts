import { startAuthorizationServer } from './authorization-server.js'
import { renderGuide, type Paint } from './guide.js'
import { PortTaken } from './listen.js'
import { showTodos, type MissingScopes, type Scene } from './scene.js'
import { startTodoServer } from './todo-server.js'
import { showUpstream } from './upstream-scene.js'
import { examineUpstream } from './upstream.js'

/** A gateway that runs. */
export interface Gateway {
  /** Every scope that its policy names. */
  readonly scopes: readonly string[]
  readonly missingScopes: MissingScopes
  close (): Promise<void>
}

/** Starts a gateway for a configuration (the configuration file's form) on a loopback port. */
export type StartGateway = (
  config: unknown,
  listenOn: { readonly host: string, readonly port: number }
) => Promise<Gateway>

export interface DemoOptions {
  /** Default 3002. */
  readonly gatewayPort?: number
  /** Default 8080. */
  readonly todoPort?: number
  /** Default 9000. */
  readonly authorizationServerPort?: number
  /** The URL of an MCP server to protect instead of the todo server. */
  readonly upstream?: string
  /** Rules for its tools, as in the configuration file. */
  readonly toolRules?: Readonly<Record<string, unknown>>
  readonly startGateway: StartGateway
  /** Gets one line at a time. */
  readonly print: (line: string) => void
  /** Default: no styles. */
  readonly paint?: Paint
}

export interface Demo {
  close (): Promise<void>
}

/**
 * Starts the authorization server, the gateway and, unless there is an upstream, the todo server on
 * loopback addresses and prints how to try them. Throws DemoFailure, for example PortTaken, which names
 * the option that changes the port, after stopping what was started by then.
 */
export async function runDemo (options: DemoOptions): Promise<Demo> {
  const { gatewayPort = 3002, authorizationServerPort = 9000, startGateway, print } = options
  const { upstream, toolRules, paint = (_style, text) => text } = options
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

  async function startTodos (): Promise<Scene> {
    const { todoPort = 8080 } = options
    const server = await start(
      'todo server', '--todo-port', todoPort, (port) => startTodoServer({ port, seed })
    )
    return showTodos(server.url)
  }

  try {
    const examined = upstream === undefined ? undefined : await examineUpstream(upstream)
    const authorizationServer = await start(
      'authorization server', '--authorization-server-port', authorizationServerPort,
      (port) => startAuthorizationServer({ port, resources: [], log: print })
    )
    const { issuer, clientCredentials: credentials } = authorizationServer
    const scene = examined === undefined ? await startTodos() : showUpstream(examined, toolRules)
    const gateway = await start(
      'gateway', '--gateway-port', gatewayPort,
      (port) => startGateway(createDemoConfig(scene, resource, issuer), { host: '127.0.0.1', port })
    )
    authorizationServer.addResource({ resource, scopes: gateway.scopes })
    const trial = scene.chooseTrial(gateway.missingScopes)
    const guide = renderGuide({ ...scene, ...trial, resource, issuer, credentials }, paint)
    for (const line of guide) print(line)
    return { close }
  } catch (error) {
    await close()
    throw error
  }
}

const seed = ['Read a list with the read-only token', 'Be refused a write, and see why']

/** Returns the gateway's configuration for the demo, in the form of a configuration file. */
export function createDemoConfig (
  { upstream, policy, title }: Pick<Scene, 'upstream' | 'policy' | 'title'>, resource: string, issuer: string
): Record<string, unknown> {
  return {
    resource,
    upstream,
    authorizationServers: [issuer],
    policy,
    metadata: { resource_name: `Postern demo: ${title}` },
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
