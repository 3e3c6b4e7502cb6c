import type { FastifyReply, FastifyRequest } from 'fastify'
import { formatChallenge, type Challenge } from '../../oauth/challenge.js'
import {
  INTERNAL_ERROR, INVALID_REQUEST, jsonRpcErrorBody, MessageError, METHOD_NOT_FOUND
} from '../../mcp/errors.js'
import { requestIdOf } from '../../mcp/message.js'
import { isUnread } from './request-body.js'

/** JSON-RPC error code of denials, outside the range that JSON-RPC and MCP reserve (P7). */
const DENIED = 403

interface RefusalKind {
  readonly status: number
  /** JSON-RPC error code when the refused request carried a message. Without it the body has OAuth's form. */
  readonly rpcCode?: number
  readonly description: string
}

/** Every refusal: a response of Postern itself. docs/errors.md lists the same codes; a test compares both. */
export const REFUSALS = {
  missing_token: {
    status: 401,
    description: 'This resource needs an access token. Send it as: Authorization: Bearer <token>'
  },
  invalid_token: {
    status: 401,
    description: 'The access token is invalid, expired, or not meant for this resource. ' +
      'Get a new one from the authorization server named in the resource metadata'
  },
  invalid_request: {
    status: 400,
    description: 'Send exactly one Authorization header with one Bearer token, and no access_token in the URL'
  },
  insufficient_scope: {
    status: 403,
    rpcCode: DENIED,
    description: 'The access token lacks a scope that this operation needs'
  },
  access_denied: {
    status: 403,
    rpcCode: DENIED,
    description: 'The policy of this resource does not allow this operation'
  },
  authorization_server_unavailable: {
    status: 503,
    description: 'The authorization server cannot be reached, so the access token cannot be checked. ' +
      'Keep it and try again'
  },
  authorization_server_metadata_unavailable: {
    status: 502,
    description: 'The metadata of the authorization server could not be fetched. ' +
      'Ask the authorization server itself'
  },
  origin_not_allowed: {
    status: 403,
    description: 'Requests from this Origin are not allowed. The operator can list it under "origins"'
  },
  host_not_allowed: {
    status: 421,
    description: 'This Host is not served here. The operator can list it under "hosts"'
  },
  not_found: {
    status: 404,
    description: 'There is nothing at this path'
  },
  bad_path: {
    status: 400,
    description: 'The path holds dot segments, empty segments, encoded separators ' +
      'or characters that a URL must encode'
  },
  method_not_allowed: {
    status: 405,
    description: 'This HTTP method is not served here'
  },
  body_not_allowed: {
    status: 400,
    description: 'A request with this HTTP method must not have a body'
  },
  unsupported_media_type: {
    status: 415,
    rpcCode: INVALID_REQUEST,
    description: 'The body must be Content-Type: application/json in UTF-8, without Content-Encoding'
  },
  body_too_large: {
    status: 413,
    rpcCode: INVALID_REQUEST,
    description: 'The body is larger than this resource accepts'
  },
  bad_body: {
    status: 400,
    rpcCode: INVALID_REQUEST,
    description: 'The body could not be read'
  },
  bad_message: {
    status: 400,
    rpcCode: INVALID_REQUEST,
    description: 'The body is not one valid JSON-RPC message'
  },
  method_not_found: {
    status: 404,
    rpcCode: METHOD_NOT_FOUND,
    description: 'There is no such method in this protocol version'
  },
  session_not_found: {
    status: 404,
    rpcCode: INVALID_REQUEST,
    description: 'There is no such session for this access token. Initialize a new one'
  },
  upstream_unreachable: {
    status: 502,
    rpcCode: INTERNAL_ERROR,
    description: 'The MCP server behind this gateway cannot be reached'
  },
  upstream_timeout: {
    status: 504,
    rpcCode: INTERNAL_ERROR,
    description: 'The MCP server behind this gateway did not answer in time'
  },
  upstream_broken: {
    status: 502,
    rpcCode: INTERNAL_ERROR,
    description: 'The MCP server behind this gateway broke off before it answered'
  },
  upstream_refused: {
    status: 502,
    rpcCode: INTERNAL_ERROR,
    description: 'The MCP server behind this gateway refused the gateway itself'
  },
  upstream_redirect: {
    status: 502,
    rpcCode: INTERNAL_ERROR,
    description: 'The MCP server behind this gateway redirected to a place that the gateway does not follow'
  },
  upstream_list_unreadable: {
    status: 502,
    rpcCode: INTERNAL_ERROR,
    description: 'The MCP server behind this gateway answered with a list that the gateway could not read, ' +
      'so it cannot tell what may be shown'
  },
  internal_error: {
    status: 500,
    rpcCode: INTERNAL_ERROR,
    description: 'The gateway failed; its log has the reason'
  }
} as const satisfies Record<string, RefusalKind>

export type RefusalCode = keyof typeof REFUSALS

export interface RefusalDetails {
  /** For the log only. */
  readonly reason?: string
  readonly challenge?: Challenge
  /** Overrides the table for this case. Safe for the client to see. */
  readonly description?: string
  readonly rpcCode?: number
  /** Raw JSON text of the message's id, when it could be read. */
  readonly idJson?: string | undefined
  readonly data?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** A response of Postern itself, instead of forwarding. `reason` and `cause` are only for the log. */
export class Refusal extends Error {
  readonly code: RefusalCode
  readonly details: RefusalDetails

  constructor (code: RefusalCode, details: RefusalDetails = {}) {
    super(details.reason ?? code, { cause: details.cause })
    this.name = 'Refusal'
    this.code = code
    this.details = details
  }
}

/**
 * Returns the refusal for an error: of a message that cannot be examined, or of Fastify when a client can
 * cause it. Any other error is our failure.
 */
function toRefusal (error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof MessageError) {
    const code = error.code === METHOD_NOT_FOUND ? 'method_not_found' : 'bad_message'
    const { message, code: rpcCode, idJson } = error
    return new Refusal(code, { reason: message, description: message, rpcCode, idJson, cause: error })
  }
  const { code, statusCode, message } = error as { code?: unknown, statusCode?: unknown, message?: unknown }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new Refusal('unsupported_media_type', { reason: 'Content-Type' })
  }
  if (code === 'FST_ERR_BAD_URL') return new Refusal('bad_path')
  const isClients = typeof statusCode === 'number' && statusCode < 500
  return new Refusal(isClients ? 'bad_body' : 'internal_error', { reason: String(message), cause: error })
}

/**
 * Writes the response for an error, and returns the refusal. No other code does this. The body is a JSON-RPC
 * error when the request is a message, else OAuth's error object (RFC 6750 §3).
 */
export function sendRefusal (error: unknown, request: FastifyRequest, reply: FastifyReply): Refusal {
  const refusal = toRefusal(error)
  const kind: RefusalKind = REFUSALS[refusal.code]
  const { details } = refusal
  const description = details.description ?? kind.description
  const rpcCode = details.rpcCode ?? kind.rpcCode
  if (isUnread(request.raw)) reply.header('connection', 'close') // the rest is not read, to find the next one
  reply.code(kind.status)
  reply.header('content-type', 'application/json; charset=utf-8').header('cache-control', 'no-store')
  if (details.challenge !== undefined) reply.header('www-authenticate', formatChallenge(details.challenge))
  for (const name in details.headers) reply.header(name, details.headers[name])
  if (request.method === 'POST' && rpcCode !== undefined) {
    const idJson = details.idJson ?? requestIdOf(request.message)
    const data = { error: refusal.code, ...details.data }
    reply.send(jsonRpcErrorBody({ idJson, code: rpcCode, message: description, data }))
  } else {
    reply.send(JSON.stringify({ error: refusal.code, error_description: description }))
  }
  return refusal
}
