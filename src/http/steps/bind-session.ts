import type { preHandlerHookHandler } from 'fastify'
import { unbindSession, type SessionBinding, hasSessions } from '../../mcp/session.js'
import { found } from '../request/findings.js'
import { Refusal } from '../request/refusal.js'

/**
 * Turns the client's session id into the upstream's, when it is this principal's (F10). Modern traffic has no
 * sessions.
 */
export function bindSessionStep (sessions: SessionBinding): preHandlerHookHandler {
  return function bindSessionStep (request, _reply, done) {
    const id = request.headers['mcp-session-id']
    if (id === undefined || !hasSessions(request.headers)) return done()
    const principal = found(request, 'principal')
    const upstreamId = typeof id === 'string' ? unbindSession(sessions, id, principal) : undefined
    if (upstreamId === undefined) {
      throw new Refusal('session_not_found', { reason: 'altered, or bound to another principal or resource' })
    }
    request.upstreamSessionId = upstreamId
    done()
  }
}
