import type { IncomingHttpHeaders } from 'node:http'
import { editEvents, type EditEvent } from '../mcp/event-stream.js'
import { holdBytes } from '../mcp/held-bytes.js'
import type { UpstreamFailure } from '../upstream/failure.js'
import type { ResponseReceiver, RequestControl } from '../upstream/upstream.js'
import { UnusableEndpoint } from '../upstream/message-endpoint.js'

/** What is held of one answer to read it: a whole JSON body, or one event of a stream. */
const MAX_BYTES = 16 * 1024 * 1024

/** How one answer is received; chosen when its status and headers are known. */
export type Treatment =
  /** Handed on as it comes. */
  | { readonly as: 'sent' }
  /** Held until it is complete, and then edited. What `edit` throws makes it a failure. */
  | { readonly as: 'body', readonly edit: (body: Buffer) => Buffer }
  /** Edited event by event, each handed on at once (F4). What `edit` throws makes it a failure. */
  | { readonly as: 'events', readonly edit: EditEvent }
  /** Handed on without its body. */
  | { readonly as: 'status' }
  /** A failure, for the log with this reason; with `ifAny` only when it has a body. */
  | { readonly as: 'failure', readonly reason: string, readonly ifAny?: true }

export type ChooseTreatment = (status: number, headers: IncomingHttpHeaders) => Treatment

/** Ends an answer that cannot be edited: nothing more is sent of it. */
type Fail = (error: unknown) => void

/** Puts itself before a receiver and changes the answer as chosen for it. */
export function editAnswer (receiver: ResponseReceiver, control: RequestControl, choose: ChooseTreatment): ResponseReceiver {
  let current = receiver

  function fail (error: unknown): void {
    current = DEAF
    control.abort()
    receiver.onFailure(asFailure(error))
  }

  return {
    onResponse (status, headers) {
      current = treat(receiver, choose(status, headers), fail)
      current.onResponse(status, headers)
    },
    onData: (chunk) => current.onData(chunk),
    onEnd: () => { current.onEnd() },
    onFailure: (failure) => { current.onFailure(failure) }
  }
}

function asFailure (error: unknown): UpstreamFailure {
  const kind = error instanceof UnusableEndpoint ? 'redirect' : 'unreadable'
  return { kind, reason: error instanceof Error ? error.message : String(error) }
}

const DEAF: ResponseReceiver = { onResponse () {}, onData: () => true, onEnd () {}, onFailure () {} }

function treat (receiver: ResponseReceiver, treatment: Treatment, fail: Fail): ResponseReceiver {
  switch (treatment.as) {
    case 'sent': return receiver
    case 'body': return editBody(receiver, treatment.edit, fail)
    case 'events': return editStream(receiver, treatment.edit, fail)
    case 'status': return dropBody(receiver)
    case 'failure': return treatment.ifAny === true ? refuseAnyBody(receiver, treatment.reason, fail) : { ...DEAF, onResponse: () => { fail(treatment.reason) } }
  }
}

function editBody (receiver: ResponseReceiver, edit: (body: Buffer) => Buffer, fail: Fail): ResponseReceiver {
  const held = holdBytes(MAX_BYTES)
  let answer: readonly [status: number, headers: IncomingHttpHeaders] = [0, {}]
  return {
    onResponse (...statusAndHeaders) { answer = statusAndHeaders },
    onData (chunk) {
      attempt(() => held.append(chunk), fail)
      return true
    },
    onEnd () {
      const body = held.take()
      let edited = body
      if (!attempt(() => { edited = edit(body) }, fail)) return
      const [status, headers] = answer
      receiver.onResponse(status, edited === body ? headers : { ...withoutBodyHeaders(headers), 'content-length': String(edited.length) })
      if (edited.length > 0) receiver.onData(edited)
      receiver.onEnd()
    },
    onFailure: receiver.onFailure
  }
}

function editStream (receiver: ResponseReceiver, edit: EditEvent, fail: Fail): ResponseReceiver {
  let isFlowing = true
  const editor = editEvents(edit, MAX_BYTES, (bytes) => { isFlowing = receiver.onData(bytes) })
  return {
    onResponse (status, headers) { receiver.onResponse(status, withoutBodyHeaders(headers)) },
    onData (chunk) {
      isFlowing = true
      attempt(() => editor.push(chunk), fail)
      return isFlowing
    },
    onEnd () {
      if (attempt(() => editor.end(), fail)) receiver.onEnd()
    },
    onFailure: receiver.onFailure
  }
}

function dropBody (receiver: ResponseReceiver): ResponseReceiver {
  return {
    onResponse (status, headers) { receiver.onResponse(status, { ...withoutBodyHeaders(headers), 'content-length': '0' }) },
    onData: () => true,
    onEnd: receiver.onEnd,
    onFailure: receiver.onFailure
  }
}

function refuseAnyBody (receiver: ResponseReceiver, reason: string, fail: Fail): ResponseReceiver {
  return {
    ...editBody(receiver, (body) => body, fail),
    onData (chunk) {
      if (chunk.length > 0) fail(reason)
      return true
    }
  }
}

/** Runs what reads an upstream's bytes: whatever it throws must end this answer, and nothing else. Returns whether it did not throw. */
function attempt (read: () => void, fail: Fail): boolean {
  try {
    read()
    return true
  } catch (error) {
    fail(error)
    return false
  }
}

/** Headers about the body's very bytes, which are not the upstream's any more (RFC 9110 §8.6, §8.8; RFC 9530; RFC 9421). */
const BODY_HEADERS = new Set([
  'content-length', 'etag', 'last-modified', 'accept-ranges', 'content-range', 'content-md5', 'digest', 'content-digest', 'repr-digest',
  'signature', 'signature-input'
])

/** An answer that was made for one principal must not be called fit for sharing either (RFC 9111 §5.2.2). */
function withoutBodyHeaders (headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !BODY_HEADERS.has(name)))
  if (/public|s-maxage/i.test(String(headers['cache-control']))) kept['cache-control'] = 'no-store'
  return kept
}
