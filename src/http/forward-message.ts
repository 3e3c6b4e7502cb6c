import type { RouteHandlerMethod } from 'fastify'
import type { ServerConfig } from '../options/server.js'
import type { Upstream, UpstreamRequest } from '../upstream/upstream.js'
import { opensStream, type ReceiveResponse } from './response/receive-response.js'
import { found } from './request/findings.js'
import { Refusal } from './request/refusal.js'
import { upstreamHeaders } from './request/upstream-headers.js'

/** Returns the handler that sends the verified bytes to the upstream, and its response back. */
export function forwardMessage (
  server: ServerConfig, upstream: Upstream, receive: ReceiveResponse
): RouteHandlerMethod {
  const buildHeaders = upstreamHeaders(server, upstream)
  return function forwardMessageHandler (request, reply) {
    // No request gets here without a decision. The check is for a path that was wired wrongly.
    if (found(request, 'decision').effect !== 'allow') {
      throw new Refusal('internal_error', { reason: 'forwarding was reached without permission' })
    }
    const headers = buildHeaders(request)
    headers['content-type'] = 'application/json'
    const post: UpstreamRequest = {
      method: 'POST',
      path: found(request, 'upstreamPath'),
      headers,
      body: found(request, 'message').bytes,
      longLived: opensStream(request)
    }
    request.isForwarded = true
    upstream.send(post, (control) => receive(request, reply, control, post.path))
  }
}
