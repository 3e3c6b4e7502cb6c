import type { onRequestHookHandler } from 'fastify'
import { resolveTarget, type PathMapping } from '../../upstream/target.js'
import { Refusal } from '../refusal.js'

/** Finds the upstream's path from the raw request target; refuses one that two servers might read differently (F3). */
export function resolveTargetStep (mapping: PathMapping): onRequestHookHandler {
  return function resolveTargetStep (request, _reply, done) {
    const target = resolveTarget(mapping, request.raw.url ?? '')
    if (target === undefined) throw new Refusal('bad_path')
    request.target = target
    done()
  }
}
