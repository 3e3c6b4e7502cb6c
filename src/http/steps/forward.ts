import type { RouteHandlerMethod } from 'fastify'
import type { ServerConfig } from '../../options/server.js'
import type { Upstream, UpstreamRequest } from '../../upstream/upstream.js'
import { isListening, type ReceiveResponse } from '../answer.js'
import { found } from '../findings.js'
import { Refusal } from '../refusal.js'
import { upstreamHeaders } from '../upstream-headers.js'

/** Sends the verified bytes to the upstream, and its answer back. */
export function forward (server: ServerConfig, upstream: Upstream, receive: ReceiveResponse): RouteHandlerMethod {
  const buildHeaders = upstreamHeaders(server, upstream)
  return function forwardMessage (request, reply) {
    // Nothing gets here without a decision; a path that was wired wrongly must not send.
    if (found(request, 'decision').effect !== 'allow') throw new Refusal('internal_error', { reason: 'forwarding was reached without permission' })
    const headers = buildHeaders(request)
    headers['content-type'] = 'application/json'
    const message: UpstreamRequest = {
      method: 'POST',
      path: found(request, 'target'),
      headers,
      body: request.body as Buffer,
      longLived: isListening(request)
    }
    request.isForwarded = true
    upstream.send(message, (control) => receive(request, reply, control, message.path))
  }
}
