import type { FastifyInstance } from 'fastify'
import type { Config } from '../options/gateway.js'
import type { Services } from '../services.js'
import { examineReadiness } from './readiness.js'

/** The state of the server that the operator's routes report. */
export interface ServerState {
  /** The configuration in use. */
  readonly config: () => Config
  readonly isStopping: () => boolean
  /** Returns the number of open connections of clients. */
  readonly connections: () => number
  /** Returns the number of open streams, also of earlier configurations. */
  readonly streams: () => number
}

/**
 * Registers the operator's routes, on a listener of their own: `/livez` (the process responds), `/readyz` (it
 * can serve, and is not about to stop; O7) and `/metrics`.
 */
export function registerAdminRoutes (app: FastifyInstance, server: ServerState, services: Services): void {
  const examine = examineReadiness(services)
  app.get('/livez', async () => ({ status: 'live' }))
  app.get<{ Querystring: { resource?: string | string[] } }>('/readyz', async ({ query }, reply) => {
    const isWanted = (resource: string): boolean => (
      query.resource === undefined || query.resource === resource
    )
    const wanted = server.config().servers.filter(({ resource }) => isWanted(resource))
    if (wanted.length === 0) {
      return reply.code(404).send({ status: 'unknown', description: 'No protected server has this resource' })
    }
    const servers = await Promise.all(wanted.map(examine))
    const stopping = { name: 'process', ready: false, state: 'stopping' }
    // A gateway that cannot write its log still serves, so it is ready.
    const log = { name: 'log', ready: true, ...services.logState() }
    const parts = server.isStopping() ? [stopping, log] : [log]
    // One server that cannot serve must not take down the others: probes read the status code only.
    const ready = servers.some((one) => one.ready) && !server.isStopping()
    if (!ready) return reply.code(503).send({ status: 'not ready', servers, parts })
    const isWhole = servers.every(({ parts }) => parts.every((part) => part.ready))
    return { status: isWhole ? 'ready' : 'partly ready', servers, parts }
  })
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await services.metrics.render({
      connections: server.connections(),
      streams: server.streams(),
      keyAges: findKeyAges(server.config(), services)
    })
    return reply.header('content-type', contentType).send(body)
  })
}

interface KeyAge {
  readonly issuer: string
  readonly seconds: number
}

/** Returns the age of the keys of each issuer in use; of the oldest, where several entries name one. */
function findKeyAges ({ servers }: Config, services: Services): KeyAge[] {
  const ages = new Map<string, number>()
  for (const config of servers.flatMap(({ authorizationServers }) => authorizationServers)) {
    const ageMs = services.authorizationServer(config).keyAgeMs()
    if (ageMs === undefined) continue
    ages.set(config.issuer, Math.max(ages.get(config.issuer) ?? 0, ageMs / 1000))
  }
  return [...ages].map(([issuer, seconds]) => ({ issuer, seconds }))
}
