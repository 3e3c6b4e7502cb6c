import type { IncomingHttpHeaders } from 'node:http'
import { editEvents, type EditEvent } from '../../mcp/event-stream.js'
import { holdBytes } from '../../mcp/held-bytes.js'
import { UnusableEndpoint } from '../../mcp/message-endpoint.js'
import type { UpstreamFailure } from '../../upstream/failure.js'
import type { RequestControl, ResponseReceiver } from '../../upstream/upstream.js'

/** How much of one response is held to be read: a whole JSON body, or one event of a stream. */
const MAX_BYTES = 16 * 1024 * 1024

/**
 * How one response is edited, chosen when its status and headers are known. What `edit` throws makes it a
 * failure.
 */
export type ResponseEdit =
  /** Passed on as it comes. */
  | { readonly kind: 'none' }
  /** Held until it is complete, then edited. */
  | { readonly kind: 'body', readonly edit: (body: Buffer) => Buffer }
  /** Edited event by event. Each event is passed on at once (F4). */
  | { readonly kind: 'events', readonly edit: EditEvent }
  /** Passed on as it comes, while a copy is edited. Nobody gets the copy, or hears of its failure. */
  | { readonly kind: 'copy', readonly edit: ResponseEdit }
  /** Passed on without its body. */
  | { readonly kind: 'without-body' }
  /** A failure, with a reason for the log. */
  | { readonly kind: 'failure', readonly reason: string }
  /** A failure when it has a body, else passed on. */
  | { readonly kind: 'failure-if-any', readonly reason: string }

export type ChooseEdit = (status: number, headers: IncomingHttpHeaders) => ResponseEdit

/** Starts the time that a held body has to become complete. Returns how to stop it. */
export type LimitTime = (expire: () => void) => () => void

/** Ends a response that cannot be edited: nothing more of it is sent. */
type Fail = (error: unknown) => void

/** A held body did not become complete in time. */
class IncompleteBody extends Error {}

/** Returns a receiver that edits the response, as chosen for it, on its way to another receiver. */
export function editResponse (
  receiver: ResponseReceiver, control: RequestControl, choose: ChooseEdit, limitTime: LimitTime
): ResponseReceiver {
  let current = receiver

  function fail (error: unknown): void {
    current = DEAF
    control.abort()
    receiver.onFailure(asFailure(error))
  }

  return {
    onResponse (status, headers) {
      current = editorFor(choose(status, headers), receiver, fail, limitTime)
      current.onResponse(status, headers)
    },
    onData: (chunk) => current.onData(chunk),
    onEnd: () => { current.onEnd() },
    onFailure: (failure) => { current.onFailure(failure) }
  }
}

function asFailure (error: unknown): UpstreamFailure {
  return { kind: failureKind(error), reason: error instanceof Error ? error.message : String(error) }
}

function failureKind (error: unknown): UpstreamFailure['kind'] {
  if (error instanceof UnusableEndpoint) return 'redirect'
  return error instanceof IncompleteBody ? 'timeout' : 'unreadable'
}

/** Nobody waits for a copy. */
const UNLIMITED: LimitTime = () => () => {}

const DEAF: ResponseReceiver = { onResponse () {}, onData: () => true, onEnd () {}, onFailure () {} }

function editorFor (
  edit: ResponseEdit, receiver: ResponseReceiver, fail: Fail, limitTime: LimitTime
): ResponseReceiver {
  switch (edit.kind) {
    case 'none': return receiver
    case 'body': return editBody(receiver, edit.edit, fail, limitTime)
    case 'events': return editStream(receiver, edit.edit, fail)
    case 'copy': return editCopy(receiver, edit.edit)
    case 'without-body': return dropBody(receiver)
    case 'failure': return { ...DEAF, onResponse: () => { fail(edit.reason) } }
    case 'failure-if-any': return refuseAnyBody(receiver, edit.reason, fail, limitTime)
  }
}

function editBody (
  receiver: ResponseReceiver, edit: (body: Buffer) => Buffer, fail: Fail, limitTime: LimitTime
): ResponseReceiver {
  const held = holdBytes(MAX_BYTES)
  let head: readonly [status: number, headers: IncomingHttpHeaders] = [0, {}]
  let stopTime = (): void => {}
  return {
    onResponse (...statusAndHeaders) {
      head = statusAndHeaders
      stopTime = limitTime(() => { fail(new IncompleteBody('the body did not become complete in time')) })
    },
    onData (chunk) {
      attempt(() => held.append(chunk), fail)
      return true
    },
    onEnd () {
      stopTime()
      const body = held.take()
      let edited = body
      if (!attempt(() => { edited = edit(body) }, fail)) return
      const [status, headers] = head
      receiver.onResponse(status, edited === body ? headers : withLength(headers, edited.length))
      if (edited.length > 0) receiver.onData(edited)
      receiver.onEnd()
    },
    onFailure (failure) {
      stopTime()
      receiver.onFailure(failure)
    }
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

function editCopy (receiver: ResponseReceiver, edit: ResponseEdit): ResponseReceiver {
  let copy: ResponseReceiver = editorFor(edit, DEAF, () => { copy = DEAF }, UNLIMITED)
  return {
    onResponse (status, headers) {
      receiver.onResponse(status, headers)
      copy.onResponse(status, headers)
    },
    onData (chunk) {
      const isFlowing = receiver.onData(chunk)
      copy.onData(chunk)
      return isFlowing
    },
    onEnd () {
      receiver.onEnd()
      copy.onEnd()
    },
    onFailure: receiver.onFailure
  }
}

function dropBody (receiver: ResponseReceiver): ResponseReceiver {
  return {
    onResponse (status, headers) { receiver.onResponse(status, withLength(headers, 0)) },
    onData: () => true,
    onEnd: receiver.onEnd,
    onFailure: receiver.onFailure
  }
}

function refuseAnyBody (
  receiver: ResponseReceiver, reason: string, fail: Fail, limitTime: LimitTime
): ResponseReceiver {
  return {
    ...editBody(receiver, (body) => body, fail, limitTime),
    onData (chunk) {
      if (chunk.length > 0) fail(reason)
      return true
    }
  }
}

/**
 * Runs a function that reads an upstream's bytes. What it throws must end this response, and nothing else.
 * Returns whether it returned.
 */
function attempt (read: () => void, fail: Fail): boolean {
  try {
    read()
    return true
  } catch (error) {
    fail(error)
    return false
  }
}

/**
 * Headers about the very bytes of a body, which is not the upstream's any more (RFC 9110 §8.6, §8.8; RFC
 * 9530, 9421).
 */
const BODY_HEADERS = new Set([
  'content-length', 'etag', 'last-modified', 'accept-ranges', 'content-range', 'content-md5', 'digest',
  'content-digest', 'repr-digest', 'signature', 'signature-input'
])

function withLength (headers: IncomingHttpHeaders, length: number): IncomingHttpHeaders {
  return { ...withoutBodyHeaders(headers), 'content-length': String(length) }
}

function withoutBodyHeaders (headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !BODY_HEADERS.has(name)))
}
