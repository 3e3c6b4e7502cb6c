import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Message } from '../../mcp/message.js'
import type { Principal } from '../../oauth/principal.js'
import type { Decision, Operation } from '../../policy/policy.js'
import { Refusal } from './refusal.js'

/** The findings that steps leave for later steps. Each is written by one step and starts as null. */
interface Findings {
  /** Written by `authenticate`. */
  principal: Principal | null
  /** Written by `resolve-path`: path and query at the upstream. */
  upstreamPath: string | null
  /** Written by `read-message`. */
  message: Message | null
  /** Written by `read-message`. */
  operations: readonly Operation[] | null
  /** Written by `bind-session`: the upstream's own session id. */
  upstreamSessionId: string | null
  /** Written by `authorize`. */
  decision: Decision | null
  /** Written when the request is refused, for the audit event. */
  refusal: Refusal | null
}

/** How far a request has come, for the audit event. */
interface Progress {
  /** Written by `forward-message` and `proxy` when an allowed request goes to the upstream. */
  isForwarded: boolean
  /** Written by the receiver of the response: when it was sent there. Null while that is not observed. */
  sentAt: number | null
}

declare module 'fastify' {
  interface FastifyRequest extends Findings, Progress {}
}

/** Declares the findings, so that every request object has the same shape. */
export function declareFindings (app: FastifyInstance): void {
  app.decorateRequest('principal', null)
  app.decorateRequest('upstreamPath', null)
  app.decorateRequest('message', null)
  app.decorateRequest('operations', null)
  app.decorateRequest('upstreamSessionId', null)
  app.decorateRequest('decision', null)
  app.decorateRequest('refusal', null)
  app.decorateRequest('isForwarded', false)
  app.decorateRequest('sentAt', null)
}

/** Returns a finding of an earlier step. Throws when that step has not run: a broken path fails closed. */
export function found<Name extends keyof Findings> (
  request: FastifyRequest, name: Name
): NonNullable<Findings[Name]> {
  const value = (request as Findings)[name]
  if (value === null) throw new Refusal('internal_error', { reason: `no step has set "${name}"` })
  return value as NonNullable<Findings[Name]>
}
