import type { onRequestHookHandler } from 'fastify'
import { auditEvent } from '../../telemetry/audit-event.js'
import type { Services } from '../services.js'

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
      metrics.record({ resource, outcome: refusal === null ? 'allow' : refusal.code, httpStatus: reply.raw.statusCode, durationMs })
      logger[refusal === null ? 'info' : 'warn'](auditEvent({
        requestId: request.id,
        resource,
        principal: request.principal,
        operations: request.operations,
        decision: request.decision,
        refusal,
        httpMethod: request.method,
        httpStatus: reply.raw.statusCode,
        complete: reply.raw.writableFinished,
        durationMs,
        requestBytes: Buffer.isBuffer(request.body) ? request.body.length : 0,
        responseBytes: socket.bytesWritten - writtenBefore
      }))
    })
    done()
  }
}
