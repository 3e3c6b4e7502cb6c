import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as NetServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fastify, type FastifyInstance } from 'fastify'
import type { Config } from './options/gateway.js'
import { buildApp, type Application } from './http/app.js'
import { holdBody } from './http/request/request-body.js'
import { tellUnderWay } from './http/request/under-way.js'
import { registerAdminRoutes, type ServerState } from './http/admin-route.js'
import { trackConnections, type Connections } from './connections.js'
import type { Services } from './services.js'

export interface RunningServer {
  /** Where it listens, e.g. `http://127.0.0.1:3002`. */
  readonly url: string
  /** Where the admin listener is, when there is one. */
  readonly adminUrl: string | undefined
  /** Builds the next application and swaps it in. On failure throws, and the old one goes on (O2). */
  reload (config: Config): Promise<void>
  /**
   * Responds with `Connection: close` for a moment, stops accepting, closes idle connections, finishes the
   * requests in flight, and ends streams at the drain deadline, which counts from now (O3).
   */
  stop (lameDuckMs?: number): Promise<void>
}

/** Idle time of a connection: longer than that of the usual load balancers, so that they close first. */
const KEEP_ALIVE_MS = 75_000
/** Time for a client to send the headers of its request, and the whole of it (slow bodies). */
const HEADERS_TIMEOUT_MS = 20_000
const REQUEST_TIMEOUT_MS = 120_000
/** Time until TCP probes a silent connection. */
const PROBE_AFTER_MS = 60_000
/** Time for the last bytes to reach the client after the drain deadline. */
const LAST_WORDS_MS = 250
/** The part of the lame-duck time in which it accepts. The rest is for the last clients' first requests. */
const ACCEPTING = 0.75
/** The log says once in this time that connections are refused. */
const REFUSED_CONNECTIONS_MS = 60_000
/** Nothing more is expected when nothing has arrived for this long. */
const QUIET_MS = 10
/** A gateway under full load may have no quiet moment. It stops after so many without one. */
const MOST_BUSY_MOMENTS = 25
/**
 * Interval of the looks for requests that take long. At the third look, a request has been under way for a
 * second to a second and a half. A quick request costs nothing.
 */
const LOOK_MS = 500

/** One application and the number of requests under way in it. */
interface Generation {
  readonly app: Application
  underWay: number
  /** Called when a retired generation's last response is over. */
  whenIdle: (() => void) | undefined
}

/** Listens and serves. Throws what `buildApp` throws, and the listener's error when the port is taken. */
export async function startServer (config: Config, services: Services): Promise<RunningServer> {
  let current = await startGeneration(config, services)
  let currentConfig = config
  let isStopping = false
  const generations = new Set([current])
  const { limits, listen } = config

  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAlive: true, // or a client that vanished silently would hold its quiet stream for ever (F5)
    keepAliveInitialDelay: PROBE_AFTER_MS,
    insecureHTTPParser: false // whatever NODE_OPTIONS says: a lenient parser lets requests be smuggled
  }, (request, response) => {
    holdBody(request)
    connections.takeTurns(request, response, () => serve(current, request, response))
  })
  // Node silently drops every header after the 2000th, also an Origin or a second Authorization. The size is
  // limited anyway.
  server.maxHeadersCount = 0
  const connections = trackConnections(server)
  server.maxConnections = limits.connections
  reportRefusedConnections(server, services)
  await listenOn(server, listen.host, listen.port)
  const state: ServerState = {
    config: () => currentConfig,
    isStopping: () => isStopping,
    connections: connections.count,
    streams: () => [...generations].reduce((sum, { app }) => sum + app.openStreams.count(), 0)
  }
  const admin = config.admin === undefined
    ? undefined
    : await startAdmin(config.admin, state, services).catch((error: unknown) => {
      server.close() // or it would keep alive a process that could not start
      throw error
    })

  const cancelLooks = every(LOOK_MS, services, () => connections.look(tellUnderWay))

  async function retire (generation: Generation): Promise<void> {
    await untilIdle(generation)
    await generation.app.close()
    generations.delete(generation)
  }

  return {
    url: urlOf(server.address() as AddressInfo, listen.host),
    adminUrl: admin?.url,
    async reload (next) {
      const generation = await startGeneration(next, services)
      const previous = current
      generations.add(generation)
      current = generation
      currentConfig = next
      retire(previous).catch((error: unknown) => services.logger.error({ event: 'failure', err: error }))
    },
    async stop (lameDuckMs = 0) {
      isStopping = true
      connections.letGo()
      const cancel = services.clock.after(limits.drainMs, () => {
        for (const { app } of generations) app.openStreams.endAll()
        setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS).unref()
      })
      const moment = Math.min(lameDuckMs, limits.drainMs)
      await pause(moment * ACCEPTING, services)
      connections.hold() // a response wakes its client, whose next connection would come at the wrong time
      await untilQuiet(connections)
      const closed = closeListener(server)
      connections.release()
      await pause(moment * (1 - ACCEPTING), services)
      await untilQuiet(connections)
      connections.closeIdle()
      await closed
      cancel()
      cancelLooks()
      await Promise.all([...generations].map(({ app }) => app.close()))
      await admin?.app.close() // last: probes and metrics see the drain
    }
  }
}

async function startGeneration (config: Config, services: Services): Promise<Generation> {
  return { app: await buildApp(config, services), underWay: 0, whenIdle: undefined }
}

interface AdminListener {
  readonly app: FastifyInstance
  readonly url: string
}

/** Starts the operator's listener. It is apart from the clients' one, and a reload does not touch it. */
async function startAdmin (
  listen: NonNullable<Config['admin']>, state: ServerState, services: Services
): Promise<AdminListener> {
  const app = fastify({ logger: false, forceCloseConnections: true })
  registerAdminRoutes(app, state, services)
  await app.listen({ host: listen.host, port: listen.port })
  return { app, url: urlOf(app.server.address() as AddressInfo, listen.host) }
}

/** Calls back again and again. Returns how to end that. */
function every (ms: number, { clock }: Services, callback: () => void): () => void {
  let cancel = clock.after(ms, again)
  function again (): void {
    cancel = clock.after(ms, again)
    callback()
  }
  return () => cancel()
}

function pause (ms: number, { clock }: Services): Promise<void> {
  if (ms === 0) return Promise.resolve()
  return new Promise((resolve) => { clock.after(ms, resolve) })
}

/**
 * Resolves after a moment without a new connection or request. The system's queues are lost when the listener
 * closes, so nothing should wait there.
 */
async function untilQuiet ({ arrivals }: Connections): Promise<void> {
  for (let moment = 0; moment < MOST_BUSY_MOMENTS; moment++) {
    const before = arrivals()
    await sleep(QUIET_MS)
    await endOfTurn()
    if (arrivals() === before) return
  }
}

/** Resolves when the sockets that are ready have been read. */
function endOfTurn (): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve) })
}

/**
 * Stops accepting. `close` of an HTTP server would also destroy connections whose response has ended but is
 * still being sent to a slow client.
 */
function closeListener (server: Server): Promise<void> {
  return new Promise((resolve) => { NetServer.prototype.close.call(server, () => resolve()) })
}

/** Logs that clients are not served because there are too many of them. */
function reportRefusedConnections (server: Server, { clock, logger }: Services): void {
  let quietUntil = 0
  server.on('drop', () => {
    if (clock.now() < quietUntil) return
    quietUntil = clock.now() + REFUSED_CONNECTIONS_MS
    logger.warn({ event: 'connections' }, 'limits.connections is reached: further connections are closed')
  })
}

function serve (generation: Generation, request: IncomingMessage, response: ServerResponse): void {
  generation.underWay++
  response.once('close', () => {
    if (--generation.underWay === 0) generation.whenIdle?.()
  })
  generation.app.routing(request, response)
}

function untilIdle (generation: Generation): Promise<void> {
  if (generation.underWay === 0) return Promise.resolve()
  return new Promise((resolve) => { generation.whenIdle = resolve })
}

function listenOn (server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function urlOf ({ port, family, address }: AddressInfo, host: string): string {
  if (host === '0.0.0.0' || host === '::') return `http://localhost:${port}`
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
