import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../oauth/principal.js'
import type { UpstreamFailure } from '../upstream/failure.js'
import { buildAnswerHeaders, isEventStream } from '../upstream/headers.js'
import type { ResponseReceiver, RequestControl } from '../upstream/upstream.js'
import { bindSession, type SessionBinding } from '../upstream/session.js'
import { editAnswer, type ChooseTreatment } from './edited-answer.js'
import { found } from './findings.js'
import type { OpenStreams } from './open-streams.js'
import { Refusal } from './refusal.js'
import type { Clock } from './services.js'
import { hasSessions } from './sessions.js'

export interface AnswerOptions {
  readonly clock: Clock
  readonly openStreams: OpenStreams
  readonly sessions: SessionBinding
  readonly endStreamsAtTokenExpiry: boolean
}

/** Makes the receiver of one answer; `target` is the upstream's path and query that gives it. */
export type ReceiveResponse = (request: FastifyRequest, reply: FastifyReply, control: RequestControl, target: string) => ResponseReceiver

/** Returns how answers are received: edited when a treatment is chosen for one, else handed on as they come. */
export function receiveAnswers (options: AnswerOptions, chooseFor?: (request: FastifyRequest, target: string) => ChooseTreatment | undefined): ReceiveResponse {
  return (request, reply, control, target) => {
    const receiver = passAnswer(request, reply, control, options)
    const choose = chooseFor?.(request, target)
    return choose === undefined ? receiver : editAnswer(receiver, control, choose)
  }
}

/**
 * Hands an upstream's answer to the client chunk by chunk, for both ways of forwarding. What
 * arrives is written at once; a client that reads slowly pauses the upstream (F4); whoever leaves
 * first takes the other along (F5).
 */
function passAnswer (request: FastifyRequest, reply: FastifyReply, control: RequestControl, options: AnswerOptions): ResponseReceiver {
  const { raw } = reply
  raw.once('close', () => control.abort())
  return {
    onResponse (status, headers) {
      if (raw.destroyed) return
      // In this order: what cannot be written throws, and is then still answered for.
      raw.writeHead(status, answerHeaders(request, reply, headers, options.sessions))
      reply.hijack()
      raw.on('drain', () => control.resume())
      if (!isEventStream(headers)) return
      raw.flushHeaders()
      watchStream(request, reply, control, options)
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

/** Makes a stream end, cleanly, when the gateway stops (O3) or the token that opened it expires (F11). */
function watchStream (request: FastifyRequest, reply: FastifyReply, control: RequestControl, options: AnswerOptions): void {
  function end (): void {
    control.abort()
    reply.raw.end()
  }
  const forget = options.openStreams.add(end)
  const principal = found(request, 'principal')
  const endsAtExpiry = options.endStreamsAtTokenExpiry && isListening(request)
  const cancel = endsAtExpiry ? options.clock.after(millisecondsLeft(principal, options.clock), end) : undefined
  reply.raw.once('close', () => {
    forget()
    cancel?.()
  })
}

function millisecondsLeft (principal: Principal, clock: Clock): number {
  return principal.expiresAt * 1000 - clock.now()
}

/** Whether the stream is one that waits for what may come, rather than for the end of a call (F11). */
export function isListening (request: FastifyRequest): boolean {
  return request.method === 'GET' || (request.message?.kind === 'request' && request.message.method === 'subscriptions/listen')
}

function answerHeaders (request: FastifyRequest, reply: FastifyReply, incoming: IncomingHttpHeaders, sessions: SessionBinding): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = buildAnswerHeaders(incoming)
  const session = incoming['mcp-session-id']
  if (typeof session === 'string' && hasSessions(request.headers)) {
    headers['mcp-session-id'] = bindSession(sessions, session, found(request, 'principal'))
  }
  const own = reply.getHeaders()
  const vary = headers['vary'] !== undefined && own['vary'] !== undefined ? `${String(headers['vary'])}, ${String(own['vary'])}` : undefined
  Object.assign(headers, own)
  if (vary !== undefined) headers['vary'] = vary
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
export function asRefusal (failure: UpstreamFailure): Refusal {
  return new Refusal(FAILURES[failure.kind], { reason: failure.reason })
}
