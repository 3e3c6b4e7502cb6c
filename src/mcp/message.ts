import { JsonError } from '../json/error.js'
import { scan } from '../json/scan.js'
import {
  compileShape, type Members, type Picked, type PickedMembers, type Shape, type Span
} from '../json/shape.js'
import { INVALID_PARAMS, INVALID_REQUEST, MessageError, PARSE_ERROR } from './errors.js'

const PROTOCOL_VERSION = 'io.modelcontextprotocol/protocolVersion'

const PARAMS = {
  name: 'string',
  uri: 'string',
  taskId: 'string',
  ref: { type: 'string', name: 'string', uri: 'string' },
  notifications: { resourceSubscriptions: 'strings' },
  arguments: 'span',
  _meta: { [PROTOCOL_VERSION]: 'string' }
} as const satisfies Shape

const MESSAGE = compileShape({
  jsonrpc: 'string', id: 'span', method: 'string', params: PARAMS, result: 'span', error: 'span'
})

/** The members of `params` that the gateway reads. A member of an unexpected type is there, with its type. */
export type Params = Members<typeof PARAMS>

interface Posted {
  /** The whole body, as it was examined. These bytes are the ones to forward (behaviour M3). */
  readonly bytes: Buffer
}

/** A request or a notification. */
export interface Call extends Posted {
  readonly method: string
  /** Has no members when the message has no params. */
  readonly params: Params
  /** What `params._meta` names as the protocol version. */
  readonly protocolVersion: string | undefined
}

export interface RequestMessage extends Call {
  readonly kind: 'request'
  /** The id's JSON text, so that it can be repeated digit for digit. */
  readonly idJson: string
}

export interface NotificationMessage extends Call {
  readonly kind: 'notification'
}

/** A response to a request of the upstream. Only legacy clients post these. */
export interface ResponseMessage extends Posted {
  readonly kind: 'response'
  /** An error may have no id: that of a request which could not be read (schema 2025-11-25). */
  readonly idJson: string | undefined
}

export type Message = RequestMessage | NotificationMessage | ResponseMessage

type Envelope = PickedMembers<typeof MESSAGE.shape>['members']

const NO_PARAMS: Params = Object.freeze(Object.create(null))

/**
 * Returns the one JSON-RPC message that the body holds (behaviour M1–M4; JSON-RPC 2.0 §4, §5). Spans in it
 * are offsets in the body. Throws MessageError: parse error when the bytes are not JSON, invalid params for a
 * malformed `_meta`, and invalid request for everything else.
 */
export function readMessage (body: Buffer, options: { readonly maxDepth: number }): Message {
  const members = readEnvelope(body, options.maxDepth)
  const { id, method } = members
  if (id !== undefined && !isId(id)) {
    throw new MessageError(INVALID_REQUEST, 'id must be a string or a number')
  }
  const idJson = id === undefined ? undefined : textAt(body, id)
  const replyId = trustedId(body, members)
  if (textOf(members.jsonrpc) !== '2.0') {
    throw new MessageError(INVALID_REQUEST, 'jsonrpc must be "2.0"', replyId)
  }
  if (method === undefined) {
    return { kind: 'response', bytes: body, idJson: readResponseId(members, idJson, replyId) }
  }
  if (method.type !== 'string') throw new MessageError(INVALID_REQUEST, 'method must be a string', replyId)
  if (members.result !== undefined || members.error !== undefined) {
    throw new MessageError(INVALID_REQUEST, 'a message has either a method or a result or error', replyId)
  }
  const params = readParams(members.params, replyId)
  const protocolVersion = readProtocolVersion(params, replyId)
  const call: Call = { bytes: body, method: method.value, params, protocolVersion }
  return idJson === undefined ? { kind: 'notification', ...call } : { kind: 'request', idJson, ...call }
}

/** Returns the text of a picked member, or undefined when it is absent or not a string. */
export function textOf (member: Picked<'string'> | undefined): string | undefined {
  return member?.type === 'string' ? member.value : undefined
}

/**
 * Returns the JSON text of the id that an error about a message repeats. Returns undefined when there is no
 * message, for a notification, which has no id, and for a response, whose id is the upstream's.
 */
export function requestIdOf (message: Message | null): string | undefined {
  return message?.kind === 'request' ? message.idJson : undefined
}

function readEnvelope (body: Buffer, maxDepth: number): Envelope {
  const root = scanBody(body, maxDepth)
  if (root.type === 'array') {
    throw new MessageError(INVALID_REQUEST, 'batches are not accepted: send one message per request')
  }
  if (root.type !== 'object') throw new MessageError(INVALID_REQUEST, 'a message must be an object')
  return root.members
}

function scanBody (body: Buffer, maxDepth: number): Picked<typeof MESSAGE.shape> {
  try {
    return scan(body, MESSAGE, { maxDepth })
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    const isJson = error.kind !== 'encoding' && error.kind !== 'syntax'
    const code = isJson ? INVALID_REQUEST : PARSE_ERROR
    throw new MessageError(code, error.message, trustedId(body, error.members ?? {}))
  }
}

/**
 * Returns the id that an error may repeat. The id of a response is the upstream's: the client would take it
 * for one of its own.
 */
function trustedId (
  body: Buffer, { id, method, result, error }: Readonly<Record<string, Span | undefined>>
): string | undefined {
  const isResponse = method === undefined && (result !== undefined || error !== undefined)
  return id === undefined || !isId(id) || isResponse ? undefined : textAt(body, id)
}

function isId (id: Span): boolean {
  return id.type === 'string' || id.type === 'number'
}

function textAt (body: Buffer, span: Span): string {
  return body.toString('utf8', span.start, span.end)
}

function readResponseId (
  { result, error }: Envelope, idJson: string | undefined, replyId: string | undefined
): string | undefined {
  if (result === undefined && error === undefined) {
    throw new MessageError(INVALID_REQUEST, 'a message needs a method, a result or an error', replyId)
  }
  if (result !== undefined && error !== undefined) {
    throw new MessageError(INVALID_REQUEST, 'a response has either a result or an error')
  }
  // A legacy client that could not read a request's id reports an error without one (schema 2025-11-25).
  if (idJson === undefined && error === undefined) {
    throw new MessageError(INVALID_REQUEST, 'a result needs an id')
  }
  return idJson
}

function readParams (params: Envelope['params'], idJson: string | undefined): Params {
  if (params === undefined || params.type === 'null') return NO_PARAMS
  if (params.type !== 'object') throw new MessageError(INVALID_REQUEST, 'params must be an object', idJson)
  return params.members
}

function readProtocolVersion ({ _meta: meta }: Params, idJson: string | undefined): string | undefined {
  if (meta === undefined || meta.type === 'null') return undefined
  if (meta.type !== 'object') throw new MessageError(INVALID_PARAMS, 'params._meta must be an object', idJson)
  const version = meta.members[PROTOCOL_VERSION]
  if (version === undefined || version.type === 'null') return undefined
  if (version.type !== 'string') {
    throw new MessageError(INVALID_PARAMS, 'the protocol version in params._meta must be a string', idJson)
  }
  return version.value
}
