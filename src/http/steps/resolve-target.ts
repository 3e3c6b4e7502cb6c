import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { isSealedEndpoint, openEndpoint, type EndpointSeal } from '../../upstream/message-endpoint.js'
import { resolveTarget, type PathMapping } from '../../upstream/target.js'
import { found } from '../findings.js'
import { Refusal } from '../refusal.js'

/**
 * Finds the upstream's path from the raw request target; refuses one that two servers might read differently (F3). What
 * is sent to a message endpoint goes where that was announced, when it was announced to this principal (F12).
 */
export function resolveTargetStep (mapping: PathMapping, seal: EndpointSeal): onRequestHookHandler {
  return function resolveTargetStep (request, _reply, done) {
    const url = request.raw.url ?? ''
    const target = resolveTarget(mapping, url)
    if (target === undefined) throw new Refusal('bad_path')
    request.target = isSealedEndpoint(seal, url) ? openTarget(seal, request, url) : target
    done()
  }
}

function openTarget (seal: EndpointSeal, request: FastifyRequest, url: string): string {
  const target = openEndpoint(seal, found(request, 'principal'), url)
  if (target === undefined) throw new Refusal('session_not_found', { reason: 'the message endpoint was altered, or announced to another principal' })
  return target
}
