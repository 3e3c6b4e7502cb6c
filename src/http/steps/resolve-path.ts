import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { isSealedEndpoint, openEndpoint, type EndpointSeal } from '../../mcp/message-endpoint.js'
import { resolvePath, type PathMapping } from '../../upstream/path.js'
import { found } from '../request/findings.js'
import { Refusal } from '../request/refusal.js'

/**
 * Finds the upstream path from the raw request target. Refuses a target that two servers might read
 * differently (F3). A request to a sealed message endpoint goes to the path that was announced, if it was
 * announced to this principal (F12).
 */
export function resolvePathStep (mapping: PathMapping, seal: EndpointSeal): onRequestHookHandler {
  return function resolvePathStep (request, _reply, done) {
    const url = request.raw.url ?? ''
    const path = resolvePath(mapping, url)
    if (path === undefined) throw new Refusal('bad_path')
    request.upstreamPath = isSealedEndpoint(seal, url) ? openSealed(seal, request, url) : path
    done()
  }
}

function openSealed (seal: EndpointSeal, request: FastifyRequest, url: string): string {
  const path = openEndpoint(seal, found(request, 'principal'), url)
  if (path === undefined) {
    const reason = 'the message endpoint was altered, or announced to another principal'
    throw new Refusal('session_not_found', { reason })
  }
  return path
}
