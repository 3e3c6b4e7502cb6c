import type { FastifyContentTypeParser } from 'fastify'
import { TooManyBytes } from '../../mcp/held-bytes.js'
import { Refusal } from '../request/refusal.js'

/** Reads the body of a message, at most `limit` bytes (M4). It is read here, after the credentials. */
export function readBody (limit: number): FastifyContentTypeParser {
  return function readBodyStep ({ raw: { heldBody } }, _payload, done) {
    if (heldBody === undefined) return done(null)
    heldBody.read(limit, (error, body) => {
      if (error === undefined) return done(null, body)
      done(error instanceof TooManyBytes ? tooLarge(limit) : brokenOff(error))
    })
  }
}

function tooLarge (limit: number): Refusal {
  const description = `The body is larger than the ${limit} bytes that this resource accepts`
  return new Refusal('body_too_large', { description })
}

function brokenOff (error: Error): Refusal {
  return new Refusal('bad_body', { reason: error.message, cause: error })
}
