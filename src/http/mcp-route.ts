import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance } from 'fastify'
import { rememberToolHeaders } from '../mcp/tool-headers.js'
import type { EndpointSeal } from '../mcp/message-endpoint.js'
import type { AccessTokenVerifier } from '../oauth/access-token.js'
import type { ServerConfig } from '../options/server.js'
import type { Policy } from '../policy/policy.js'
import type { Services } from '../services.js'
import type { PathMapping } from '../upstream/path.js'
import type { Upstream } from '../upstream/upstream.js'
import { shareWithOrigins } from './cors.js'
import { forwardMessage } from './forward-message.js'
import { hintScopes, stepUpScopes } from './hint-scopes.js'
import { proxyOptions } from './proxy.js'
import { allowedHosts } from './request/origin.js'
import { editStreams } from './response/edit-streams.js'
import { filterLists, filterStreamedLists, learnTools } from './response/filter-lists.js'
import { receiveResponses, type ResponseOptions } from './response/receive-response.js'
import { audit } from './steps/audit.js'
import { authenticate } from './steps/authenticate.js'
import { authorize } from './steps/authorize.js'
import { bindSessionStep } from './steps/bind-session.js'
import { checkHost } from './steps/check-host.js'
import { checkOrigin } from './steps/check-origin.js'
import { checkToolHeaders } from './steps/check-tool-headers.js'
import { readBody } from './steps/read-body.js'
import { readMessageStep } from './steps/read-message.js'
import { refuseBody } from './steps/refuse-body.js'
import { refuseUnrouted } from './steps/refuse-unrouted.js'
import { resolvePathStep } from './steps/resolve-path.js'

/** One protected server with all its parts. */
export interface ProtectedServer {
  readonly config: ServerConfig
  readonly paths: PathMapping
  readonly resourceMetadata: string
  readonly verifier: AccessTokenVerifier
  readonly policy: Policy
  readonly upstream: Upstream
  readonly responses: ResponseOptions
}

/**
 * Registers the steps of every request at or under a protected resource, in order. Every route needs
 * credentials because it is registered here (R5).
 */
export async function registerMcpRoute (
  app: FastifyInstance, server: ProtectedServer, services: Services
): Promise<void> {
  const { config, policy, upstream, resourceMetadata, verifier, responses } = server
  const { filterLists: filters } = config.policy
  const { logger } = services
  const seal: EndpointSeal = { ...responses.sessions, prefix: server.paths.prefix }
  const hints = hintScopes(policy, config)

  app.addHook('onRequest', checkOrigin(config))
  await shareWithOrigins(app, config)
  app.addHook('onRequest', checkHost(allowedHosts(config)))
  app.addHook('onRequest', audit(config, services))
  app.addHook('onRequest', authenticate({ verifier, resourceMetadata, hintScopes: hints, logger }))
  refuseUnrouted(app, 'method_not_allowed', { allow: 'GET, HEAD, POST, DELETE, OPTIONS' })
  app.addHook('onRequest', resolvePathStep(server.paths, seal))

  // POST: a message, read from the very bytes that are forwarded.
  await app.register(async (messages) => {
    messages.removeAllContentTypeParsers()
    messages.addContentTypeParser('*', readBody(config.limits.bodyBytes))
    messages.addHook('preHandler', readMessageStep(seal))
    messages.addHook('preHandler', bindSessionStep(responses.sessions))
    const keepScopes = stepUpScopes(policy, config)
    messages.addHook('preHandler', authorize({ policy, resourceMetadata, stepUpScopes: keepScopes, logger }))
    const toolHeaders = rememberToolHeaders()
    messages.addHook('preHandler', checkToolHeaders(toolHeaders))
    const readLists = filters ? filterLists(policy, toolHeaders, services.clock) : learnTools(toolHeaders)
    const receive = receiveResponses(responses, readLists)
    const handler = forwardMessage(config, upstream, receive)
    for (const url of ['/', '/*']) messages.post(url, handler)
  })

  // GET, HEAD, DELETE: no body, no message. The legacy stream, its end, and other paths under the resource.
  await app.register(async (streams) => {
    streams.addHook('onRequest', refuseBody())
    streams.addHook('preHandler', bindSessionStep(responses.sessions))
    const editEvents = filters ? filterStreamedLists(policy) : undefined
    const receive = receiveResponses(responses, editStreams({ server: config, upstream, seal, editEvents }))
    await streams.register(httpProxy, proxyOptions(config, upstream, receive))
  })
}
