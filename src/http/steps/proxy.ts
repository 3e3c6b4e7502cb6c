import type { Readable } from 'node:stream'
import type { FastifyHttpProxyOptions } from '@fastify/http-proxy'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Dispatcher } from 'undici'
import type { ServerConfig } from '../../options/server.js'
import { classifyFailure } from '../../upstream/failure.js'
import type { AnswerReceiver, Transfer, Upstream } from '../../upstream/http.js'
import { judgeAnswer } from '../../upstream/verdict.js'
import { asRefusal, type ReceiveAnswer } from '../answer.js'
import { found } from '../findings.js'
import { Refusal } from '../refusal.js'
import { upstreamHeaders, type BuildUpstreamHeaders } from '../upstream-headers.js'

/** HTTP methods without a body: the legacy stream (GET), its end (DELETE), and HEAD. */
const STREAM_METHODS = ['GET', 'HEAD', 'DELETE'] as const

/** Carries the signal of a request through @fastify/reply-from, which has no option for it. */
const SIGNAL = Symbol('signal')

/**
 * Everything that is proxied and is not a message goes through @fastify/http-proxy, on the pool
 * for streams. Its defaults that would break the contract are replaced: retries (F6), headers
 * (F1), error bodies with inner addresses (F7), and a client that leaves before the answer (F5).
 */
export function proxyOptions (server: ServerConfig, upstream: Upstream, receive: ReceiveAnswer): FastifyHttpProxyOptions {
  const buildHeaders = upstreamHeaders(server, upstream)
  return {
    upstream: upstream.origin,
    httpMethods: [...STREAM_METHODS],
    undici: cancellable(upstream.streams) as unknown as NonNullable<FastifyHttpProxyOptions['undici']>,
    disableCache: true,
    proxyPayloads: false,
    handler: (request: FastifyRequest, reply: FastifyReply) => {
      const abort = new AbortController()
      // A client may have left while its token was verified; nobody would ever end what is opened for it now (F5).
      if (reply.raw.destroyed) return reply.hijack()
      reply.raw.once('close', () => abort.abort())
      follow({ request, reply, abort, headers: buildHeaders(request) }, found(request, 'target'), 0)
      return reply
    }
  }

  function send (exchange: Exchange, path: string, redirects: number): void {
    const { request, reply, abort, headers } = exchange
    const [pathname, query] = splitQuery(path)
    let isRefused = false
    reply.from(pathname, {
      queryString: () => query,
      retryDelay: () => null,
      rewriteRequestHeaders: () => ({ ...headers, [SIGNAL]: abort.signal }),
      rewriteHeaders: () => ({}),
      onError: (_reply, { error }) => {
        isRefused = true
        reply.send(asRefusal(classifyFailure((error as Error).cause ?? error)))
      },
      onResponse: (_request, _reply, response) => {
        // reply-from types the answer as the server's; what it hands over is undici's.
        const { statusCode, headers: answered, stream } = response as unknown as UpstreamAnswer
        // For a status that Fastify does not take, reply-from calls both.
        if (isRefused) return discard(stream)
        const verdict = judgeAnswer({ path, hosts: [upstream.authority, String(headers['host'])], redirects }, statusCode, answered['location'])
        if (verdict.as === 'answer') return pipe(stream, abort, receive(request, reply, streamTransfer(stream, abort), path), statusCode, answered)
        discard(stream)
        if (verdict.as === 'redirect') follow(exchange, verdict.path, redirects + 1)
        else reply.send(asRefusal(verdict.failure))
      }
    })
    request.isForwarded = true
  }

  /** reply-from throws at more paths than F3 does, and after a redirect nobody would catch that. */
  function follow (exchange: Exchange, path: string, redirects: number): void {
    try {
      send(exchange, path, redirects)
    } catch (error) {
      const reason = `the path is not followed: ${(error as Error).message}`
      exchange.reply.send(redirects === 0 ? new Refusal('bad_path', { reason }) : asRefusal({ kind: 'redirect', reason }))
    }
  }
}

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Ends the upstream request, whichever redirect it has got to. */
  readonly abort: AbortController
  readonly headers: ReturnType<BuildUpstreamHeaders>
}

function pipe (stream: Readable, { signal }: AbortController, receiver: AnswerReceiver, ...head: Parameters<AnswerReceiver['onAnswer']>): void {
  // First, because undici turns what onAnswer throws into an error of the stream.
  stream.on('error', (error) => { if (!signal.aborted) receiver.onFailure(classifyFailure(error)) })
  receiver.onAnswer(...head)
  stream.on('data', (chunk: Buffer) => { if (!receiver.onChunk(chunk)) stream.pause() })
  stream.on('end', () => receiver.onEnd())
}

function discard (stream: Readable): void {
  stream.on('error', () => {}).destroy()
}

type UpstreamAnswer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'> & { stream: Readable }

function splitQuery (target: string): [path: string, query: string] {
  const start = target.indexOf('?')
  return start === -1 ? [target, ''] : [target.slice(0, start), target.slice(start + 1)]
}

function streamTransfer (stream: Readable, abort: AbortController): Transfer {
  return {
    resume: () => { stream.resume() },
    abort: () => { abort.abort() }
  }
}

type RequestWithCallback = (options: Dispatcher.RequestOptions, callback: (error: Error | null, data: Dispatcher.ResponseData) => void) => void

/** A view of the pool whose requests end with the signal that their headers carry. */
function cancellable (pool: Upstream['streams']): { request: RequestWithCallback, destroy (): void } {
  return {
    request (options, callback) {
      const { [SIGNAL]: signal, ...headers } = options.headers as Record<string, string> & { [SIGNAL]: AbortSignal }
      pool.request({ ...options, headers, signal }, callback)
    },
    destroy () {} // the pool is closed by whoever opened it
  }
}
