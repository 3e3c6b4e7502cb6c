import type { FastifyInstance } from 'fastify'
import { Refusal, type RefusalCode } from '../request/refusal.js'

/**
 * Refuses requests without a route in this plugin context, after the hooks that were added before. It is a
 * hook, because Fastify parses the body before it calls a not-found handler (A10).
 */
export function refuseUnrouted (
  app: FastifyInstance, code: RefusalCode, headers: Readonly<Record<string, string>> = {}
): void {
  function refuse (): never {
    throw new Refusal(code, { headers })
  }
  app.addHook('onRequest', function refuseUnroutedStep (request, _reply, done) {
    if (request.is404) refuse()
    done()
  })
  app.setNotFoundHandler(refuse)
}
