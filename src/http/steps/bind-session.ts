import type { preHandlerHookHandler } from 'fastify'
import { unbindSession } from '../../upstream/session.js'
import { found } from '../findings.js'
import { Refusal } from '../refusal.js'
import { hasSessions } from '../sessions.js'

/** Turns the client's session id into the upstream's, when it is this principal's (F10). Modern traffic has no sessions. */
export function bindSessionStep (keys: readonly string[]): preHandlerHookHandler {
  return function bindSessionStep (request, _reply, done) {
    const id = request.headers['mcp-session-id']
    if (id === undefined || !hasSessions(request.headers)) return done()
    const upstreamId = typeof id === 'string' ? unbindSession(keys, id, found(request, 'principal')) : undefined
    if (upstreamId === undefined) throw new Refusal('session_not_found', { reason: 'altered, or bound to another principal' })
    request.upstreamSessionId = upstreamId
    done()
  }
}
