import type { onRequestHookHandler } from 'fastify'
import { Refusal } from '../request/refusal.js'

/**
 * Refuses a body where none is read, so that no byte goes upstream unexamined (M3). An empty chunked body
 * passes: HAProxy and linkerd send one for an HTTP/2 request without a body.
 */
export function refuseBody (): onRequestHookHandler {
  return function refuseBodyStep ({ raw: { heldBody } }, _reply, done) {
    if (heldBody === undefined) return done()
    heldBody.read(0, (error) => { done(error && new Refusal('body_not_allowed', { cause: error })) })
  }
}
