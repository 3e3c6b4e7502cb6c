import type { FastifyHttpProxyOptions } from '@fastify/http-proxy'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ServerConfig } from '../options/server.js'
import type { Upstream, UpstreamRequest } from '../upstream/upstream.js'
import { opensStream, type ReceiveResponse } from './response/receive-response.js'
import { found } from './request/findings.js'
import { Refusal } from './request/refusal.js'
import { upstreamHeaders } from './request/upstream-headers.js'

/** HTTP methods without a body: the legacy stream (GET), its end (DELETE), and HEAD. */
const METHODS = ['GET', 'HEAD', 'DELETE'] as const

/** A request that reply-from is about to hand over. */
interface Carried {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly headers: UpstreamRequest['headers']
}

/**
 * Returns options for @fastify/http-proxy. It registers the routes of requests without a message and carries
 * these requests. Its HTTP client is ours: `upstream` sends the request, and `receive` writes the response.
 * So redirects (F8), timeouts and failures (F7), cancellation (F5) and back pressure (F4) are the same as for
 * a message, and nothing is retried (F6).
 */
export function proxyOptions (
  server: ServerConfig, upstream: Upstream, receive: ReceiveResponse
): FastifyHttpProxyOptions {
  const buildHeaders = upstreamHeaders(server, upstream)
  // reply-from does not tell its client which request this is. But it hands it over before `from` returns.
  let carried: Carried | undefined

  function send (path: string): void {
    if (carried === undefined) throw new Error('reply-from handed over a request that it had not been given')
    const { request, reply, headers } = carried
    const method = request.method as typeof METHODS[number]
    request.isForwarded = true
    const sent: UpstreamRequest = { method, path, headers, longLived: opensStream(request) }
    upstream.send(sent, (control) => receive(request, reply, control, path))
  }

  return {
    upstream: upstream.origin,
    httpMethods: [...METHODS],
    undici: {
      request ({ path }) {
        send(path)
        return NEVER
      }
    },
    disableCache: true,
    proxyPayloads: false,
    handler (request: FastifyRequest, reply: FastifyReply) {
      // A client may have left while its token was verified. An upstream request would never end then (F5).
      if (reply.raw.destroyed) return reply.hijack()
      const [path, query] = splitQuery(found(request, 'upstreamPath'))
      carried = { request, reply, headers: buildHeaders(request) }
      try {
        return reply.from(path, { queryString: () => query })
      } catch (error) {
        if (request.isForwarded) throw error
        // reply-from refuses more paths than F3 does.
        const reason = `the path is not followed: ${(error as Error).message}`
        throw new Refusal('bad_path', { reason, cause: error })
      } finally {
        carried = undefined
      }
    }
  }
}

/** reply-from never gets the response: `receive` does its work (headers, errors), and nothing is retried. */
const NEVER = new Promise<never>(() => {})

function splitQuery (path: string): [path: string, query: string] {
  const start = path.indexOf('?')
  return start === -1 ? [path, ''] : [path.slice(0, start), path.slice(start + 1)]
}
