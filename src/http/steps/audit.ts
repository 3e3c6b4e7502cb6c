import type { onRequestHookHandler } from 'fastify'
import { auditEvent } from '../../telemetry/audit-event.js'
import type { Services } from '../../services.js'

/** What nginx logs for a client that left before it got an answer; RFC 9110 has no status for that. */
const CLIENT_CLOSED_REQUEST = 499

/**
 * Writes one audit event when the answer is over, however it ended (O4). It waits for `close`:
 * Fastify's onResponse is not called when a client leaves early.
 */
export function audit (resource: string, { logger, clock, metrics }: Services): onRequestHookHandler {
  return function auditStep (request, reply, done) {
    const startedAt = clock.now()
    const { socket } = request.raw
    const writtenBefore = socket.bytesWritten
    reply.raw.once('close', () => {
      const { refusal } = request
      const durationMs = clock.now() - startedAt
      const isAnswered = reply.raw.headersSent
      const httpStatus = isAnswered ? reply.raw.statusCode : CLIENT_CLOSED_REQUEST
      const reason = refusal?.code ?? (isAnswered ? undefined : 'client_left')
      metrics.record({ resource, outcome: reason ?? 'allow', httpStatus, durationMs })
      logger[refusal === null ? 'info' : 'warn'](auditEvent({
        requestId: request.id,
        resource,
        principal: request.principal,
        operations: request.operations,
        decision: request.decision,
        isForwarded: request.isForwarded,
        reason,
        detail: refusal?.details.reason,
        httpMethod: request.method,
        httpStatus,
        complete: reply.raw.writableFinished,
        durationMs,
        requestBytes: Buffer.isBuffer(request.body) ? request.body.length : 0,
        responseBytes: socket.bytesWritten - writtenBefore
      }))
    })
    done()
  }
}
