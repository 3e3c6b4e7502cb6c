import type { onRequestHookHandler } from 'fastify'
import { Refusal } from '../request/refusal.js'

/**
 * Refuses a body where none is read, so that no byte goes upstream unexamined (M3). An empty chunked body
 * passes: HAProxy and linkerd send one for an HTTP/2 request without a body.
 */
export function refuseBody (): onRequestHookHandler {
  return function refuseBodyStep ({ headers, raw }, _reply, done) {
    const { 'content-length': length, 'transfer-encoding': encoding } = headers
    if (length !== undefined && length !== '0') throw new Refusal('body_not_allowed')
    if (encoding === undefined) return done()
    let isOver = false
    function finish (refusal?: Refusal): void {
      if (isOver) return
      isOver = true
      done(refusal)
    }
    raw.once('data', () => { finish(new Refusal('body_not_allowed')) })
    raw.once('end', () => { finish() })
  }
}
