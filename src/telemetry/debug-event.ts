import type { TokenDescription } from '../oauth/describe-token.js'
import type { Principal } from '../oauth/principal.js'
import type { Decision } from '../policy/policy.js'
import { describeOperations, shorten, type OpenRequest } from './audit-event.js'

type Fields = Record<string, unknown>

/** Most scopes that are written to the log. */
const MAX_SCOPES = 100

/** Returns the log fields of a token that was accepted (a principal) or not (why). */
export function tokenEvent (
  requestId: string, token: TokenDescription, outcome: Principal | string
): Fields {
  const isRefused = typeof outcome === 'string'
  return {
    event: 'token',
    requestId,
    accepted: !isRefused,
    ...(isRefused ? {} : describePrincipal(outcome)),
    client: { ...(isRefused ? { detail: shorten(outcome) } : {}), token }
  }
}

function describePrincipal ({ issuer, subject, clientId, scopes, expiresAt }: Principal): Fields {
  return { issuer, subject, clientId, scopes: list(scopes), expiresAt }
}

/** Returns the log fields of a decision: what was asked for, what the token held, which rule decided. */
export function decisionEvent (
  requestId: string, decision: Decision, held: ReadonlySet<string>, operations: OpenRequest['operations']
): Fields {
  const { effect, ...rest } = decision
  return {
    event: 'decision',
    requestId,
    decision: effect,
    ...rest,
    scopes: list(held),
    client: describeOperations(operations ?? [])
  }
}

/** Returns the log fields of a request that was refused: what its headers say of the client. */
export function refusedEvent (
  requestId: string, reason: string, headers: Readonly<Record<string, string | string[] | undefined>>
): Fields {
  const client = Object.entries(CLIENT_HEADERS).flatMap(([field, name]): Array<[string, string]> => {
    const value = headers[name]
    return typeof value === 'string' ? [[field, shorten(value)]] : []
  })
  return { event: 'refused', requestId, reason, client: Object.fromEntries(client) }
}

/** Headers that tell one client from another, and by which messages are refused. None holds a secret. */
const CLIENT_HEADERS = {
  userAgent: 'user-agent',
  contentType: 'content-type',
  protocolVersion: 'mcp-protocol-version'
} as const

function list (scopes: ReadonlySet<string>): string[] {
  return [...scopes].slice(0, MAX_SCOPES)
}
