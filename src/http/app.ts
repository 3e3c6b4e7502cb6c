import { randomBytes } from 'node:crypto'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Config } from '../options/gateway.js'
import { areToldApartByHost } from '../options/hosts.js'
import type { ServerConfig } from '../options/server.js'
import { createAccessTokenVerifier } from '../oauth/access-token.js'
import { buildProtectedResourceMetadata, metadataUrl, resourcePath } from '../oauth/protected-resource.js'
import { compilePolicy } from '../policy/compile.js'
import { openHttpUpstream } from '../upstream/http.js'
import { observeUpstream } from '../upstream/observed.js'
import { mapPaths } from '../upstream/path.js'
import { declareFindings } from './request/findings.js'
import { registerHealthRoute } from './health-route.js'
import { registerMcpRoute, type ProtectedServer } from './mcp-route.js'
import { registerAuthorizationServerMetadataRoute, registerResourceMetadataRoute } from './metadata-route.js'
import { trackOpenStreams, type OpenStreams } from './response/open-streams.js'
import { routeByHost, type BuildRoutes } from './route-by-host.js'
import { Refusal, sendRefusal } from './request/refusal.js'
import { isUnread } from './request/request-body.js'
import { isOtherForm, originForm } from './request/request-target.js'
import type { Services } from '../services.js'
import type { Upstream } from '../upstream/upstream.js'
import { checkHost } from './steps/check-host.js'
import { refuseUnrouted } from './steps/refuse-unrouted.js'

/** A whole gateway for one configuration, ready for requests. */
export interface Application {
  readonly routing: FastifyInstance['routing']
  /** All routes, for the test that walks them. */
  readonly printRoutes: FastifyInstance['printRoutes']
  readonly openStreams: OpenStreams
  close (): Promise<void>
}

/**
 * Builds one whole application from a configuration. The application does not change afterwards (O2). Throws
 * PolicyError when a policy cannot be compiled.
 */
export async function buildApp (config: Config, services: Services): Promise<Application> {
  const openStreams = trackOpenStreams()
  const servers = config.servers.map((server) => protect(server, services, openStreams))
  const build = buildRoutes(services)
  const routes = areToldApartByHost(config.servers) ? await routeByHost(servers, build) : await build(servers)
  return {
    routing: routes.routing,
    printRoutes: (options) => routes.printRoutes(options),
    openStreams,
    async close () {
      await routes.close()
      await Promise.all(servers.map(({ upstream }) => upstream.close()))
    }
  }
}

/**
 * Returns what builds all routes for protected servers that their paths tell apart. Without any server only
 * health is left, and every other request is for another host (R7).
 */
function buildRoutes (services: Services): BuildRoutes {
  const genReqId = nextRequestId()
  return async (servers) => {
    const app = createFastify(genReqId, services)
    await app.register(async (context) => {
      context.addHook('onRequest', checkTarget)
      registerHealthRoute(context)
      await context.register(async (documents) => registerMetadataRoutes(documents, servers, services), {
        prefix: '/.well-known'
      })
    })
    for (const server of servers) {
      const { prefix } = server.paths
      await app.register(async (context) => registerMcpRoute(context, server, services), { prefix })
    }
    // This refuses every path that is neither public nor at or under a protected resource (R5).
    if (servers.every(({ paths }) => paths.prefix !== '')) {
      await app.register(async (context) => {
        if (servers.length === 0) context.addHook('onRequest', checkHost(() => false))
        refuseUnrouted(context, 'not_found')
      })
    }
    await app.ready()
    return app
  }
}

function createFastify (genReqId: () => string, services: Services): FastifyInstance {
  const app = fastify({
    logger: false, // one audit line of our own instead of two of Fastify's (O4)
    exposeHeadRoutes: false,
    genReqId,
    rewriteUrl: originForm,
    frameworkErrors: (error, request, reply) => { sendRefusal(error, request, reply) }
  })
  declareFindings(app)
  // Only messages have a body, and only their plugin context reads it. So no body is parsed without
  // credentials (A10).
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => { done(null) })
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  app.addHook('onRequest', checkHttpVersion)
  app.setErrorHandler((error, request, reply) => {
    function refuse (): void {
      request.refusal = sendRefusal(error, request, reply)
      if (request.refusal.code !== 'internal_error') return
      services.logger.error({ event: 'failure', requestId: request.id, err: error })
    }
    // A body that came with its header is read by then, and the connection can stay.
    if (isUnread(request.raw)) setImmediate(refuse)
    else refuse()
  })
  return app
}

/** Node reads a request that calls itself HTTP/0.9 or HTTP/2.0 like HTTP/1.1. Other servers do not. */
function checkHttpVersion ({ raw }: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  if (raw.httpVersionMajor !== 1) {
    const reason = `HTTP/${raw.httpVersion}`
    throw new Refusal('invalid_request', { reason, description: 'Send the request as HTTP/1.1' })
  }
  done()
}

/** Refuses a target for another authority than `Host` (R5). Protected paths ask for credentials first. */
function checkTarget ({ raw }: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  if (isOtherForm(raw.url ?? '')) {
    throw new Refusal('invalid_request', {
      reason: 'the request target names another authority than Host',
      description: 'The authority of the request target must be that of Host'
    })
  }
  done()
}

/** Registers the public documents. Only they and health are outside a protected context (R5). */
async function registerMetadataRoutes (
  app: FastifyInstance, servers: readonly ProtectedServer[], services: Services
): Promise<void> {
  for (const { config, policy } of servers) {
    // Each resource has the path form. The only one of a host has the root form, too (R2, R4).
    const suffixes = new Set([...(servers.length === 1 ? [''] : []), ...pathSuffixes(config.resource)])
    registerResourceMetadataRoute(app, suffixes, buildProtectedResourceMetadata(config, policy.scopes))
    const [first] = config.authorizationServers
    if (first === undefined) continue
    registerAuthorizationServerMetadataRoute(app, suffixes, services.authorizationServer(first))
  }
}

/** Returns the resource's path, also without a final slash: official clients drop it before they ask. */
function pathSuffixes (resource: string): string[] {
  const path = resourcePath(resource)
  return path === '/' ? [''] : [path.replace(/\/$/, ''), path]
}

/** Returns a source of ids that are unique in this process, and most likely among all that share a log. */
function nextRequestId (): () => string {
  const prefix = randomBytes(6).toString('base64url')
  let count = 0
  return () => `${prefix}-${(count++).toString(36)}`
}

/** How long the upstream takes is measured for the metrics, and for the log on level debug. */
function openUpstream (
  { resource, upstream: url, limits }: ServerConfig, { clock, logger, metrics }: Services
): Upstream {
  const upstream = openHttpUpstream(url, limits.upstreamTimeoutMs)
  const { debug } = logger
  const { recordUpstream } = metrics
  if (debug === undefined && recordUpstream === undefined) return upstream
  return observeUpstream(upstream, clock.now, ({ status: httpStatus, longLived, ...exchange }) => {
    const { headerMs, failure } = exchange
    recordUpstream?.({ resource, headerMs: longLived ? undefined : headerMs, failure })
    debug?.({ event: 'upstream', ...exchange, ...(httpStatus === undefined ? {} : { httpStatus }) })
  })
}

function protect (config: ServerConfig, services: Services, openStreams: OpenStreams): ProtectedServer {
  const keys = config.session.key ?? [services.sessionKey]
  return {
    config,
    paths: mapPaths(config.resource, config.upstream),
    resourceMetadata: metadataUrl(config.resource),
    verifier: createAccessTokenVerifier({
      server: config,
      trusted: config.authorizationServers.map((one) => ({
        config: one, authorizationServer: services.authorizationServer(one)
      })),
      now: services.clock.now
    }),
    policy: compilePolicy(config.policy),
    upstream: openUpstream(config, services),
    responses: {
      clock: services.clock,
      bodyTimeoutMs: config.limits.upstreamTimeoutMs,
      openStreams,
      sessions: { keys, resource: config.resource },
      endStreamsAtTokenExpiry: config.streams.endAtTokenExpiry
    }
  }
}
