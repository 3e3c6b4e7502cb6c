import cors from '@fastify/cors'
import httpProxy from '@fastify/http-proxy'
import type { FastifyInstance } from 'fastify'
import type { ServerConfig } from '../config/schema.js'
import type { AccessTokenVerifier } from '../oauth/access-token.js'
import type { Policy } from '../policy/policy.js'
import type { Upstream } from '../upstream/http.js'
import type { PathMapping } from '../upstream/target.js'
import type { AnswerOptions } from './answer.js'
import { corsOptions } from './cors.js'
import { hintScopes } from './hint-scopes.js'
import { Refusal } from './refusal.js'
import type { Services } from './services.js'
import { audit } from './steps/audit.js'
import { authenticate } from './steps/authenticate.js'
import { authorize } from './steps/authorize.js'
import { bindSessionStep } from './steps/bind-session.js'
import { checkOrigin } from './steps/check-origin.js'
import { forward } from './steps/forward.js'
import { proxyOptions, refuseBody } from './steps/proxy.js'
import { readMessageStep } from './steps/read-message.js'
import { resolveTargetStep } from './steps/resolve-target.js'

/** One protected server, put together. */
export interface ProtectedServer {
  readonly config: ServerConfig
  readonly paths: PathMapping
  readonly resourceMetadata: string
  readonly verifier: AccessTokenVerifier
  readonly policy: Policy
  readonly upstream: Upstream
  readonly answers: AnswerOptions
}

/**
 * The path of every request at or under a protected resource, in order. Whatever is registered
 * here needs credentials, because it is registered here (R5).
 */
export async function registerMcpRoute (app: FastifyInstance, server: ProtectedServer, services: Services): Promise<void> {
  const { config, policy, upstream, resourceMetadata, verifier } = server

  app.addHook('onRequest', checkOrigin(config))
  await app.register(cors, corsOptions(config))
  app.addHook('onRequest', audit(config.resource, services))
  app.addHook('onRequest', authenticate({ verifier, resourceMetadata, hintScopes: hintScopes(policy, config.defaultScopes) }))
  app.addHook('onRequest', resolveTargetStep(server.paths))

  // POST: a message, read from the very bytes that are forwarded.
  await app.register(async (messages) => {
    messages.removeAllContentTypeParsers()
    messages.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    messages.addHook('preHandler', readMessageStep())
    messages.addHook('preHandler', bindSessionStep(server.answers.sessionKeys))
    messages.addHook('preHandler', authorize({ policy, resourceMetadata }))
    for (const url of ['/', '/*']) messages.post(url, { bodyLimit: config.limits.bodyBytes }, forward(config, upstream, server.answers))
  })

  // GET, HEAD, DELETE: no body, no message; the legacy stream, its end, and what lies beside it.
  await app.register(async (streams) => {
    streams.addHook('onRequest', refuseBody())
    streams.addHook('preHandler', bindSessionStep(server.answers.sessionKeys))
    await streams.register(httpProxy, proxyOptions(config, upstream, server.answers))
  })

  // Every other HTTP method: refused, but only to those with credentials.
  app.setNotFoundHandler(() => {
    throw new Refusal('method_not_allowed', { headers: { allow: 'GET, HEAD, POST, DELETE, OPTIONS' } })
  })
}
