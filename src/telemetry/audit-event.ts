import type { Decision, Operation } from '../policy/policy.js'
import type { Principal } from '../oauth/principal.js'

/** What is known of a request while it is under way. */
export interface OpenRequest {
  readonly requestId: string
  readonly resource: string
  /** Of the connection, or of what trusted proxies say; undefined when the connection has none. */
  readonly clientAddress: string | undefined
  readonly principal: Principal | null
  readonly operations: readonly Operation[] | null
  readonly decision: Decision | null
  /** Whether the request was allowed and sent to the upstream. */
  readonly isForwarded: boolean
  readonly httpMethod: string
  /** Undefined while there is no response. */
  readonly httpStatus: number | undefined
  readonly durationMs: number
  readonly requestBytes: number
}

/** How a request ended. */
export interface RequestEnd {
  /** Code of the refusal or failure. */
  readonly reason: string | undefined
  /** Why, for people. May quote the client. */
  readonly detail: string | undefined
  readonly httpStatus: number
  /** Whether the response was sent to its end. */
  readonly complete: boolean
  readonly responseBytes: number
}

/** Longest value from a client that is written to the log. */
const MAX_LENGTH = 256
/** Most targets of one message that are written to the log. */
const MAX_TARGETS = 20

/**
 * Returns the log fields of a request that reached authentication (O4). Values that the client chose stand
 * under `client`. Tokens, arguments and bodies cannot be recorded: neither parameter holds them.
 */
export function auditEvent (source: OpenRequest, end: RequestEnd): Record<string, unknown> {
  const { principal, decision } = source
  const { reason, detail } = end
  return {
    event: 'request',
    requestId: source.requestId,
    resource: source.resource,
    ...describeAddress(source),
    decision: source.isForwarded ? 'allow' : 'deny',
    ...(reason === undefined ? {} : { reason }),
    ...(decision === null ? {} : { rule: decision.rule }),
    ...(principal === null ? {} : describePrincipal(principal)),
    httpStatus: end.httpStatus,
    complete: end.complete,
    durationMs: source.durationMs,
    requestBytes: source.requestBytes,
    responseBytes: end.responseBytes,
    client: {
      httpMethod: source.httpMethod,
      ...(detail === undefined ? {} : { detail: shorten(detail) }),
      ...describeOperations(source.operations ?? [])
    }
  }
}

/**
 * Returns the log fields of a request that is under way (O4), with the names that the audit event gives them.
 * A request that is not forwarded yet has no decision: it may still be refused.
 */
export function openRequestEvent (source: OpenRequest): Record<string, unknown> {
  const { principal, decision, httpStatus } = source
  return {
    event: 'request open',
    requestId: source.requestId,
    resource: source.resource,
    ...describeAddress(source),
    ...(source.isForwarded ? { decision: 'allow' } : {}),
    ...(decision === null ? {} : { rule: decision.rule }),
    ...(principal === null ? {} : describePrincipal(principal)),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    durationMs: source.durationMs,
    requestBytes: source.requestBytes,
    client: { httpMethod: source.httpMethod, ...describeOperations(source.operations ?? []) }
  }
}

function describeAddress ({ clientAddress }: OpenRequest): Record<string, unknown> {
  return clientAddress === undefined ? {} : { clientAddress }
}

function describePrincipal ({ issuer, subject, clientId }: Principal): Record<string, unknown> {
  return { issuer, subject, clientId }
}

/** Returns method and targets. Every text is shortened. */
export function describeOperations (operations: readonly Operation[]): Record<string, unknown> {
  // One message has one method; only a subscription has several targets.
  const [first] = operations
  if (first === undefined) return {}
  const targets = operations.flatMap(({ target }) => target === undefined ? [] : [target.name])
  const method = shorten(first.method)
  const [target] = targets
  if (target === undefined) return { method }
  if (targets.length === 1) return { method, target: shorten(target) }
  return { method, targets: targets.slice(0, MAX_TARGETS).map(shorten), targetCount: targets.length }
}

/** Returns a text that a client chose, no longer than the log takes it. */
export function shorten (text: string): string {
  return text.length <= MAX_LENGTH ? text : text.slice(0, MAX_LENGTH) + '…'
}
