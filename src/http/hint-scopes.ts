import type { FastifyRequest } from 'fastify'
import { operationsFromHeaders } from '../mcp/operation.js'
import type { Policy } from '../policy/policy.js'

const NO_SCOPES: ReadonlySet<string> = new Set()

/**
 * Returns the scopes to put into a 401's challenge (A9): those of the operation that the modern
 * headers name, else the configured ones. A hint for the client; nothing is decided from it.
 */
export function hintScopes (
  policy: Policy, defaultScopes: readonly string[]
): (request: FastifyRequest) => readonly string[] {
  return (request) => {
    const operations = operationsFromHeaders(request.headers)
    if (operations === undefined) return defaultScopes
    const decision = policy.decide(operations, NO_SCOPES)
    const lacksScopes = decision.effect === 'deny' && decision.reason === 'insufficient_scope'
    return lacksScopes ? decision.requiredScopes : defaultScopes
  }
}
