import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../clock.js'
import { bindSession, hasSessions, type SessionBinding } from '../../mcp/session.js'
import type { Principal } from '../../oauth/principal.js'
import type { UpstreamFailure } from '../../upstream/failure.js'
import { buildResponseHeaders, isEventStream } from '../../upstream/headers.js'
import type { RequestControl, ResponseReceiver } from '../../upstream/upstream.js'
import { found } from '../request/findings.js'
import { Refusal } from '../request/refusal.js'
import { tellUnderWay } from '../request/under-way.js'
import { editResponse, type ChooseEdit } from './edit-response.js'
import type { OpenStreams } from './open-streams.js'

export interface ResponseOptions {
  readonly clock: Clock
  /** How long a body that is held may take after its header (F7). */
  readonly bodyTimeoutMs: number
  readonly openStreams: OpenStreams
  readonly sessions: SessionBinding
  readonly endStreamsAtTokenExpiry: boolean
}

/** Makes the receiver of one response. `path` is the upstream's path and query that gives it. */
export type ReceiveResponse =
  (request: FastifyRequest, reply: FastifyReply, control: RequestControl, path: string) => ResponseReceiver

/** Chooses how the response to a request is edited; undefined passes it on as it comes. */
export type ChooseEditFor = (request: FastifyRequest, path: string) => ChooseEdit | undefined

/** Returns how responses are received: edited when an edit is chosen, else passed on as they come. */
export function receiveResponses (options: ResponseOptions, chooseFor: ChooseEditFor): ReceiveResponse {
  return (request, reply, control, path) => {
    const receiver = passResponse(request, reply, control, options)
    const choose = chooseFor(request, path)
    if (choose === undefined) return receiver
    return editResponse(receiver, control, choose, (expire) => {
      const stop = options.clock.after(options.bodyTimeoutMs, expire)
      reply.raw.once('close', stop)
      return stop
    })
  }
}

/**
 * Passes an upstream's response to the client chunk by chunk. Each chunk is written at once; a client that
 * reads slowly pauses the upstream (F4); when one side leaves, the other is let go (F5).
 */
function passResponse (
  request: FastifyRequest, reply: FastifyReply, control: RequestControl, options: ResponseOptions
): ResponseReceiver {
  const { raw } = reply
  request.sentAt = control.sentAt ?? null
  raw.once('close', () => control.abort())
  let forget = opensStream(request) ? watchStream(request, reply, control, options) : undefined
  return {
    onResponse (status, headers) {
      if (raw.destroyed) return
      // In this order: a header that cannot be written throws, and the failure can still be answered.
      raw.writeHead(status, responseHeaders(request, reply, headers, options.sessions))
      reply.hijack()
      raw.on('drain', () => control.resume())
      if (!isEventStream(headers)) return forget?.()
      raw.flushHeaders()
      forget ??= watchStream(request, reply, control, options)
      if (isListening(request)) tellUnderWay(raw)
    },
    onData: (chunk) => raw.write(chunk),
    onEnd: () => { raw.end() },
    onFailure (failure) {
      const refusal = asRefusal(failure)
      if (reply.sent) {
        request.refusal = refusal // for the log: the client only sees the connection break off
        raw.destroy()
      } else {
        reply.send(refusal)
      }
    }
  }
}

/**
 * Makes a stream end, cleanly, when the gateway stops (O3) or the token that opened it expires (F11). A
 * stream whose header has not come yet ends with a refusal. Returns how to forget the stream.
 */
function watchStream (
  request: FastifyRequest, reply: FastifyReply, control: RequestControl, options: ResponseOptions
): () => void {
  function end (): void {
    control.abort()
    if (reply.sent) {
      reply.raw.end()
      return
    }
    reply.send(new Refusal('upstream_timeout', { reason: 'the stream ended before its response header' }))
  }
  const remove = options.openStreams.add(end)
  const principal = found(request, 'principal')
  const endsAtExpiry = options.endStreamsAtTokenExpiry && isListening(request)
  const { clock } = options
  const cancel = endsAtExpiry ? clock.after(millisecondsLeft(principal, clock), end) : undefined
  function forget (): void {
    remove()
    cancel?.()
  }
  reply.raw.once('close', forget)
  return forget
}

function millisecondsLeft (principal: Principal, clock: Clock): number {
  return principal.expiresAt * 1000 - clock.now()
}

/**
 * Returns whether the response waits for what may come, rather than for the end of a call (F11). A server may
 * open a stream for a `subscriptions/listen` that has no id, too.
 */
export function isListening ({ method, message }: FastifyRequest): boolean {
  if (method === 'GET') return true
  return message !== null && message.kind !== 'response' && message.method === 'subscriptions/listen'
}

/** Returns whether the request asks for a listening stream, whose response may begin at any time (F7). */
export function opensStream (request: FastifyRequest): boolean {
  if (request.method !== 'GET') return isListening(request)
  return request.headers.accept?.toLowerCase().includes('text/event-stream') ?? false
}

function responseHeaders (
  request: FastifyRequest, reply: FastifyReply, incoming: IncomingHttpHeaders, sessions: SessionBinding
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = buildResponseHeaders(incoming)
  const session = incoming['mcp-session-id']
  if (typeof session === 'string' && hasSessions(request.headers)) {
    headers['mcp-session-id'] = bindSession(sessions, session, found(request, 'principal'))
  }
  const own = reply.getHeaders()
  const vary = [headers['vary'], own['vary']].filter((value) => value !== undefined).map(String).join(', ')
  Object.assign(headers, own)
  if (vary !== '') headers['vary'] = vary
  return headers
}

const FAILURES = {
  unreachable: 'upstream_unreachable',
  timeout: 'upstream_timeout',
  broken: 'upstream_broken',
  refused: 'upstream_refused',
  redirect: 'upstream_redirect',
  unreadable: 'upstream_list_unreadable'
} as const

/** Names the failure to the client without the inner address, which is in the reason (F7). */
function asRefusal (failure: UpstreamFailure): Refusal {
  return new Refusal(FAILURES[failure.kind], { reason: failure.reason })
}
