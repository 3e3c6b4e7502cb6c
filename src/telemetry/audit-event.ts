import type { Decision, Operation } from '../policy/policy.js'
import type { Principal } from '../oauth/principal.js'

export interface AuditSource {
  readonly requestId: string
  readonly resource: string
  readonly principal: Principal | null
  readonly operations: readonly Operation[] | null
  readonly decision: Decision | null
  /** Whether it was allowed and sent to the upstream. */
  readonly isForwarded: boolean
  /** Code of the refusal or failure. */
  readonly reason: string | undefined
  /** Why, for people; may quote the client. */
  readonly detail: string | undefined
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
/** Most targets of one message that are written to the log. */
const MAX_TARGETS = 20

/**
 * Returns what is recorded of a request that reached authentication (O4). What a client chose
 * stands under `client`; tokens, arguments and bodies are not there to be recorded.
 */
export function auditEvent (source: AuditSource): Record<string, unknown> {
  const { principal, decision, reason, detail } = source
  return {
    event: 'request',
    requestId: source.requestId,
    resource: source.resource,
    decision: source.isForwarded ? 'allow' : 'deny',
    ...(reason === undefined ? {} : { reason }),
    ...(decision === null ? {} : { rule: decision.rule }),
    ...(principal === null ? {} : { issuer: principal.issuer, subject: principal.subject, clientId: principal.clientId }),
    httpStatus: source.httpStatus,
    complete: source.complete,
    durationMs: source.durationMs,
    requestBytes: source.requestBytes,
    responseBytes: source.responseBytes,
    client: {
      httpMethod: source.httpMethod,
      ...(detail === undefined ? {} : { detail: shorten(detail) }),
      ...describeOperations(source.operations ?? [])
    }
  }
}

/** One message has one method; only a subscription has several targets. */
function describeOperations (operations: readonly Operation[]): Record<string, unknown> {
  const [first] = operations
  if (first === undefined) return {}
  const targets = operations.flatMap(({ target }) => target === undefined ? [] : [target.name])
  return {
    method: shorten(first.method),
    ...(targets.length === 1 ? { target: shorten(targets[0] as string) } : {}),
    ...(targets.length > 1 ? { targets: targets.slice(0, MAX_TARGETS).map(shorten), targetCount: targets.length } : {})
  }
}

function shorten (text: string): string {
  return text.length <= MAX_LENGTH ? text : text.slice(0, MAX_LENGTH) + '…'
}
