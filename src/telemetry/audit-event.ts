import type { Decision, Operation } from '../policy/policy.js'
import type { Principal } from '../oauth/principal.js'

export interface AuditSource {
  readonly requestId: string
  readonly resource: string
  readonly principal: Principal | null
  readonly operations: readonly Operation[] | null
  readonly decision: Decision | null
  readonly refusal: { readonly code: string, readonly details: { readonly reason?: string } } | null
  readonly httpMethod: string
  readonly httpStatus: number
  /** Whether the answer was sent to its end. */
  readonly complete: boolean
  readonly durationMs: number
  readonly requestBytes: number
  readonly responseBytes: number
}

/** Longest value of a client that is written to the log. */
const MAX_LENGTH = 256

/**
 * Returns what is recorded of a request that reached authentication (O4). What a client chose
 * stands under `client`; tokens, arguments and bodies are not there to be recorded.
 */
export function auditEvent (source: AuditSource): Record<string, unknown> {
  const { principal, operations, decision, refusal } = source
  const operation = operations?.[operations.length - 1]
  return {
    event: 'request',
    requestId: source.requestId,
    resource: source.resource,
    decision: refusal === null ? 'allow' : 'deny',
    ...(refusal === null ? {} : { reason: refusal.code }),
    ...(decision === null ? {} : { rule: decision.rule }),
    ...(principal === null ? {} : { issuer: principal.issuer, subject: principal.subject, clientId: principal.clientId }),
    httpStatus: source.httpStatus,
    complete: source.complete,
    durationMs: source.durationMs,
    requestBytes: source.requestBytes,
    responseBytes: source.responseBytes,
    client: {
      httpMethod: source.httpMethod,
      ...(refusal?.details.reason === undefined ? {} : { detail: shorten(refusal.details.reason) }),
      ...(operation === undefined ? {} : { method: shorten(operation.method), target: operation.target === undefined ? undefined : shorten(operation.target.name) })
    }
  }
}

function shorten (text: string): string {
  return text.length <= MAX_LENGTH ? text : text.slice(0, MAX_LENGTH) + '…'
}
