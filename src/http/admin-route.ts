import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import type { Config } from '../options/gateway.js'
import type { Services } from '../services.js'

/** Longest wait of a probe: its response must be there before the usual timeout of one second. */
const TIMEOUT_MS = 800

interface Readiness {
  readonly name: string
  readonly ready: boolean
  readonly state: string
  /** Of the log: lines lost since the start. */
  readonly lost?: number
}

/** The state of the server that the operator's routes report. */
export interface ServerState {
  /** The configuration in use. */
  readonly config: () => Config
  readonly isStopping: () => boolean
}

/**
 * Registers the operator's routes, on a listener of their own: `/livez` (the process responds), `/readyz` (it
 * has keys, reaches its upstreams and is not about to stop) and `/metrics`.
 */
export function registerAdminRoutes (app: FastifyInstance, server: ServerState, services: Services): void {
  app.get('/livez', async () => ({ status: 'live' }))
  app.get('/readyz', async (_request, reply) => {
    const found = await Promise.all(server.config().servers.flatMap(({ authorizationServers, upstream }) => [
      ...authorizationServers.map((one) => prepare(one, services)),
      reach(upstream).then((one) => [one])
    ]))
    const parts = found.flat()
    if (server.isStopping()) parts.push({ name: 'process', ready: false, state: 'stopping' })
    // A gateway that cannot write its log still serves, so it is ready.
    parts.push({ name: 'log', ready: true, ...services.logState() })
    const ready = parts.every((part) => part.ready)
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', parts })
  })
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await services.metrics.render()
    return reply.header('content-type', contentType).send(body)
  })
}

/**
 * Returns whether tokens of an authorization server can be verified. Its keys are fetched when there are
 * none, and introspection is tried when it is in doubt. With introspection, keys may be missing.
 */
async function prepare (config: AuthorizationServerConfig, services: Services): Promise<Readiness[]> {
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

/** Returns whether the upstream accepts connections. No request is sent. */
function reach (upstream: string): Promise<Readiness> {
  const { hostname, port, protocol } = new URL(upstream)
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
      timeout: TIMEOUT_MS
    })
    function finish (ready: boolean, state: string): void {
      socket.destroy()
      resolve({ name: `upstream ${upstream}`, ready, state })
    }
    socket.once('connect', () => finish(true, 'reachable'))
    socket.once('timeout', () => finish(false, 'no response'))
    socket.once('error', (error) => finish(false, (error as NodeJS.ErrnoException).code ?? error.message))
  })
}
