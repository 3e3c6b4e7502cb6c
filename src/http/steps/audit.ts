import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { knownMethod } from '../../mcp/known-methods.js'
import { auditEvent, openRequestEvent, type OpenRequest } from '../../telemetry/audit-event.js'
import { refusedEvent } from '../../telemetry/debug-event.js'
import type { ServerConfig } from '../../options/server.js'
import type { Services } from '../../services.js'
import { clientAddress } from '../request/client-address.js'
import { whenUnderWay } from '../request/under-way.js'

/** nginx's status for a client that left before its response. RFC 9110 has none. */
const CLIENT_CLOSED_REQUEST = 499

/**
 * Writes one audit event when the response is over, however it ended (O4). It waits for `close`: Fastify's
 * onResponse is not called when a client leaves early. A request that takes long leaves an event before, so
 * that it is on record when the process dies.
 */
export function audit (
  { resource, trustedProxies }: ServerConfig, { logger, clock, metrics }: Services
): onRequestHookHandler {
  const readClientAddress = clientAddress(trustedProxies)
  return function auditStep (request, reply, done) {
    const startedAt = clock.now()
    const { socket } = request.raw
    const writtenBefore = socket.bytesWritten
    const from: From = { resource, clientAddress: readClientAddress(request.raw) } // a closed socket has none
    const soFar = (): OpenRequest => describe(from, request, reply, clock.now() - startedAt)
    whenUnderWay(reply.raw, () => { logger.info(openRequestEvent(soFar())) })
    reply.raw.once('close', () => {
      const { refusal } = request
      const open = soFar()
      const { httpStatus = CLIENT_CLOSED_REQUEST } = open
      const reason = refusal?.code ?? (open.httpStatus === undefined ? 'client_left' : undefined)
      metrics.record?.({
        resource,
        method: knownMethod(request.operations),
        outcome: reason ?? 'allow',
        httpStatus,
        durationMs: open.durationMs,
        preparationMs: request.sentAt === null ? undefined : request.sentAt - startedAt,
        decision: request.decision
      })
      if (refusal !== null) logger.debug?.(refusedEvent(request.id, refusal.code, request.headers))
      logger[levelOf(request)](auditEvent(open, {
        reason,
        detail: refusal?.details.reason,
        httpStatus,
        complete: reply.raw.writableFinished,
        responseBytes: socket.bytesWritten - writtenBefore
      }))
    })
    done()
  }
}

/** Every MCP client begins without credentials and learns from the 401 where to get them (A8). */
function levelOf ({ refusal, raw }: FastifyRequest): 'info' | 'warn' {
  const isFirst = refusal?.code === 'missing_token' && raw.headers.authorization === undefined
  return refusal === null || isFirst ? 'info' : 'warn'
}

/** What is known of a request from the beginning. */
type From = Pick<OpenRequest, 'resource' | 'clientAddress'>

function describe (
  from: From, request: FastifyRequest, { raw }: FastifyReply, durationMs: number
): OpenRequest {
  return {
    requestId: request.id,
    ...from,
    principal: request.principal,
    operations: request.operations,
    decision: request.decision,
    isForwarded: request.isForwarded,
    httpMethod: request.method,
    httpStatus: raw.headersSent ? raw.statusCode : undefined,
    durationMs,
    requestBytes: Buffer.isBuffer(request.body) ? request.body.length : 0
  }
}
