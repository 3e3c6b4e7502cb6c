import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { readBearerToken } from '../../oauth/bearer.js'
import type { AccessTokenVerifier } from '../../oauth/access-token.js'
import type { Challenge } from '../../oauth/challenge.js'
import { describeToken } from '../../oauth/describe-token.js'
import { AuthorizationServerUnavailable, InvalidToken } from '../../oauth/failures.js'
import { tokenEvent } from '../../telemetry/debug-event.js'
import type { Logger } from '../../telemetry/logger.js'
import { REFUSALS, Refusal } from '../request/refusal.js'

export interface AuthenticateOptions {
  readonly verifier: AccessTokenVerifier
  readonly resourceMetadata: string
  /** Returns the scopes that a first login should ask for, judged by the request's headers (A9). */
  readonly hintScopes: (request: FastifyRequest) => readonly string[]
  readonly logger: Logger
}

/** Finds the principal, or refuses with the challenge of A8. The body is not read before. */
export function authenticate (options: AuthenticateOptions): onRequestHookHandler {
  const { verifier, resourceMetadata, hintScopes, logger: { debug } } = options

  function challenge (request: FastifyRequest, error?: 'invalid_token' | 'invalid_request'): Challenge {
    const scopes = hintScopes(request)
    return {
      resourceMetadata,
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
      ...(error === undefined ? {} : { error, errorDescription: REFUSALS[error].description })
    }
  }

  function refuse (request: FastifyRequest, error: unknown): unknown {
    if (error instanceof InvalidToken) {
      return new Refusal('invalid_token', {
        reason: error.reason,
        challenge: challenge(request, 'invalid_token')
      })
    }
    if (error instanceof AuthorizationServerUnavailable) {
      return new Refusal('authorization_server_unavailable', {
        reason: error.message,
        cause: error.cause,
        headers: { 'retry-after': String(Math.ceil(error.retryAfterSeconds)) }
      })
    }
    return error
  }

  return function authenticateStep (request, _reply, done) {
    const credentials = readBearerToken(request.raw.rawHeaders, request.raw.url ?? '')
    if (credentials.kind === 'none') {
      throw new Refusal('missing_token', { reason: 'no access token', challenge: challenge(request) })
    }
    if (credentials.kind === 'malformed') {
      throw new Refusal('invalid_request', {
        reason: credentials.reason,
        challenge: challenge(request, 'invalid_request')
      })
    }
    const { token } = credentials
    verifier.verify(token).then(
      (principal) => {
        debug?.(tokenEvent(request.id, describeToken(token), principal))
        request.principal = principal
        done()
      },
      (error: unknown) => {
        const refusal = refuse(request, error)
        if (refusal instanceof Refusal) {
          debug?.(tokenEvent(request.id, describeToken(token), refusal.details.reason ?? refusal.code))
        }
        done(refusal as Error)
      })
  }
}
