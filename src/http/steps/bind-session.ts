import type { preHandlerHookHandler } from 'fastify'
import { unbindSession, type SessionBinding, hasSessions } from '../../mcp/session.js'
import { found } from '../request/findings.js'
import { Refusal } from '../request/refusal.js'

/** Replaces a legacy client's session id by the upstream's, if it is this principal's (F10). */
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
