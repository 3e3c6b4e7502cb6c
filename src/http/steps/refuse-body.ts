import type { onRequestHookHandler } from 'fastify'
import { Refusal } from '../request/refusal.js'

/** Refuses a body where none is read: no byte goes upstream unexamined (M3). */
export function refuseBody (): onRequestHookHandler {
  return function refuseBodyStep (request, _reply, done) {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
    const hasBody = encoding !== undefined || (length !== undefined && length !== '0')
    if (hasBody) throw new Refusal('body_not_allowed')
    done()
  }
}
