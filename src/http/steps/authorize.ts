import type { preHandlerHookHandler } from 'fastify'
import type { Operation, Policy } from '../../policy/policy.js'
import { decisionEvent } from '../../telemetry/debug-event.js'
import type { Logger } from '../../telemetry/logger.js'
import { found } from '../request/findings.js'
import { REFUSALS, Refusal } from '../request/refusal.js'

export interface AuthorizeOptions {
  readonly policy: Policy
  readonly resourceMetadata: string
  /** Returns the scopes for the challenge, from those that are needed and those of the token (P7). */
  readonly stepUpScopes: (required: readonly string[], held: ReadonlySet<string>) => readonly string[]
  readonly logger: Logger
}

/** Returns the operation for the client that asked for it (P7). Only subscriptions have several targets. */
function describe (operations: readonly Operation[]): Record<string, unknown> {
  const targets = operations.flatMap(({ target }) => target === undefined ? [] : [target.name])
  return {
    method: operations[0]?.method,
    ...(targets.length === 1 ? { target: targets[0] } : {}),
    ...(targets.length > 1 ? { targets } : {})
  }
}

/** Asks the policy about the message's operations; a denial carries the challenge of P7. */
export function authorize (
  { policy, resourceMetadata, stepUpScopes, logger: { debug } }: AuthorizeOptions
): preHandlerHookHandler {
  return function authorizeStep (request, _reply, done) {
    const operations = found(request, 'operations')
    const { scopes } = found(request, 'principal')
    const decision = policy.decide(operations, scopes)
    request.decision = decision
    debug?.(decisionEvent(request.id, decision, scopes, operations))
    if (decision.effect === 'allow') return done()

    const data = describe(operations)
    if (decision.reason !== 'insufficient_scope') {
      throw new Refusal('access_denied', { reason: decision.reason, data })
    }
    throw new Refusal('insufficient_scope', {
      reason: `missing ${decision.missingScopes.join(' ')}`,
      data: { ...data, requiredScopes: decision.requiredScopes, missingScopes: decision.missingScopes },
      challenge: {
        resourceMetadata,
        error: 'insufficient_scope',
        scope: stepUpScopes(decision.requiredScopes, scopes).join(' '),
        errorDescription: REFUSALS.insufficient_scope.description
      }
    })
  }
}
