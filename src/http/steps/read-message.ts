import type { IncomingMessage } from 'node:http'
import type { preHandlerHookHandler } from 'fastify'
import { checkHeaderAgreement } from '../../mcp/headers.js'
import { isSealedEndpoint, type EndpointSeal } from '../../mcp/message-endpoint.js'
import { readMessage } from '../../mcp/message.js'
import { operationsOf } from '../../mcp/operation.js'
import { Refusal } from '../request/refusal.js'
import { isRepeated } from '../request/repeated-header.js'

/** Nesting of objects and arrays (M4). */
const MAX_DEPTH = 64
const NOTHING = Buffer.alloc(0)

const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset[ \t]*=[ \t]*(?:utf-8|"utf-8")[ \t]*)?$/i

/**
 * Turns the body into one verified message and its operations (M1–M7); these bytes are the ones forwarded.
 */
export function readMessageStep (seal: EndpointSeal): preHandlerHookHandler {
  return function readMessageStep (request, _reply, done) {
    checkMediaType(request.raw)
    // Without a body there is nothing to parse for Fastify, and for us nothing that is JSON.
    const body = Buffer.isBuffer(request.body) ? request.body : NOTHING
    const message = readMessage(body, { maxDepth: MAX_DEPTH })
    request.message = message
    const transport = isSealedEndpoint(seal, request.raw.url ?? '') ? 'http-with-sse' : 'streamable-http'
    checkHeaderAgreement(message, request.raw.rawHeaders, transport)
    request.operations = operationsOf(message)
    done()
  }
}

function checkMediaType ({ headers, rawHeaders }: IncomingMessage): void {
  const type = headers['content-type']
  if (type === undefined || !JSON_TYPE.test(type) || isRepeated(rawHeaders, 'content-type')) {
    throw new Refusal('unsupported_media_type', { reason: 'Content-Type' })
  }
  if (headers['content-encoding'] !== undefined) {
    throw new Refusal('unsupported_media_type', { reason: 'Content-Encoding' })
  }
}
