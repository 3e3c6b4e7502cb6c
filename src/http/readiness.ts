import { connect } from 'node:net'
import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import type { ServerConfig } from '../options/server.js'
import type { Services } from '../services.js'

/** Something that a protected server needs. */
export interface Part {
  readonly name: string
  readonly ready: boolean
  readonly state: string
}

/** Whether one protected server can serve, and why not. */
export interface ServerReadiness {
  readonly resource: string
  readonly ready: boolean
  readonly parts: readonly Part[]
}

/** Longest wait of a probe: its response must be there before the usual timeout of one second. */
const TIMEOUT_MS = 800
/** How long it counts that an upstream was reachable or not, however many ask. */
const REMEMBERED_MS = 1_000

/** Whether an upstream accepts connections. */
type Reachability = Pick<Part, 'ready' | 'state'>

/**
 * Returns what finds out whether a protected server can serve (O7): its upstream accepts connections, and the
 * tokens of at least one of its authorization servers can be checked. No request is sent to an upstream.
 */
export function examineReadiness (
  services: Services
): (server: ServerConfig) => Promise<ServerReadiness> {
  const reach = rememberReachability(services)
  return async ({ resource, upstream, authorizationServers }) => {
    const [reachability, ...tokens] = await Promise.all([
      reach(upstream),
      ...authorizationServers.map((one) => prepare(one, services))
    ])
    const canCheckTokens = tokens.some((parts) => parts.every(({ ready }) => ready))
    return {
      resource,
      ready: canCheckTokens && reachability.ready,
      parts: [...tokens.flat(), { name: `upstream ${upstream}`, ...reachability }]
    }
  }
}

/**
 * Returns whether tokens of an authorization server can be verified. Its keys are fetched when there are
 * none, and introspection is tried when it is in doubt. With introspection, keys may be missing.
 */
async function prepare (config: AuthorizationServerConfig, services: Services): Promise<Part[]> {
  const authorizationServer = services.authorizationServer(config)
  await within(TIMEOUT_MS, authorizationServer.prepare())
  const state = authorizationServer.state()
  const asks = authorizationServer.introspectionState?.()
  return [
    { name: `keys of ${config.issuer}`, ready: state !== 'never' || asks !== undefined, state },
    ...(asks === undefined
      ? []
      : [{ name: `introspection at ${config.issuer}`, ready: asks === 'working', state: asks }])
  ]
}

/** Resolves when the work is done, or when the time is over. The work goes on then. */
function within (ms: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Returns `reach` with a memory, so that probes do not become a load. */
function rememberReachability ({ clock }: Services): (upstream: string) => Promise<Reachability> {
  const known = new Map<string, { readonly at: number, readonly found: Promise<Reachability> }>()
  return (upstream) => {
    const now = clock.now()
    for (const [other, { at }] of known) {
      if (Math.abs(now - at) >= REMEMBERED_MS) known.delete(other)
    }
    const { origin } = new URL(upstream)
    const found = known.get(origin)?.found ?? reach(origin)
    if (!known.has(origin)) known.set(origin, { at: now, found })
    return found
  }
}

function reach (origin: string): Promise<Reachability> {
  const { hostname, port, protocol } = new URL(origin)
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
      timeout: TIMEOUT_MS
    })
    function finish (ready: boolean, state: string): void {
      socket.destroy()
      resolve({ ready, state })
    }
    socket.once('connect', () => finish(true, 'reachable'))
    socket.once('timeout', () => finish(false, 'no response'))
    socket.once('error', (error) => finish(false, (error as NodeJS.ErrnoException).code ?? error.message))
  })
}
