import type { FastifyRequest } from 'fastify'
import { operationsFromHeaders } from '../mcp/operation.js'
import { buildProtectedResourceMetadata, publishableScopes } from '../oauth/protected-resource.js'
import type { ServerConfig } from '../options/server.js'
import type { Policy } from '../policy/policy.js'

const NO_SCOPES: ReadonlySet<string> = new Set()

/** Clients and proxies limit headers to 8 KiB and more. Longer lists are found in the metadata. */
const MAX_HINT_LENGTH = 4_096

/**
 * Returns the scopes to put into a 401's challenge (A9): those of the operation that the modern
 * headers name, else those of a first login. A hint for the client; nothing is decided from it.
 */
export function hintScopes (
  policy: Policy, config: ServerConfig
): (request: FastifyRequest) => readonly string[] {
  const first = firstLoginScopes(policy, config)
  return (request) => {
    const operations = operationsFromHeaders(request.headers)
    if (operations === undefined) return first
    const decision = policy.decide(operations, NO_SCOPES)
    const lacksScopes = decision.effect === 'deny' && decision.reason === 'insufficient_scope'
    return lacksScopes ? decision.requiredScopes : first
  }
}

/**
 * Without `defaultScopes` these are the published scopes: a client that is told none asks for them as well
 * (MCP authorization, Scope Selection Strategy), or for none and gets a token that is good for nothing.
 */
function firstLoginScopes (policy: Policy, config: ServerConfig): readonly string[] {
  if (config.defaultScopes.length > 0) return publishableScopes(config.defaultScopes)
  const published = buildProtectedResourceMetadata(config, policy.scopes).scopes_supported ?? []
  return published.join(' ').length > MAX_HINT_LENGTH ? [] : published
}

/**
 * Returns a function from the scopes that an operation needs and those that the token has to the scopes of a
 * 403's challenge (P7): those needed, then those of the token that this resource knows. Clients that replace
 * their scopes by the challenge's would lose the others. Scopes of other resources, and roles that nobody can
 * ask for, are not named.
 */
export function stepUpScopes (
  policy: Policy, { defaultScopes, policy: { implies } }: ServerConfig
): (required: readonly string[], held: ReadonlySet<string>) => readonly string[] {
  const known = publishableScopes([...policy.scopes, ...defaultScopes, ...Object.keys(implies)])
  return (required, held) => [...new Set([...required, ...known.filter((scope) => held.has(scope))])]
}
