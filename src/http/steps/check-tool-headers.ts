import type { preHandlerHookHandler } from 'fastify'
import type { ToolHeaders } from '../../mcp/tool-headers.js'
import { found } from '../request/findings.js'

/**
 * Refuses a call whose `Mcp-Param-*` headers say something else than its arguments; only of tools whose
 * schema was seen (M6).
 */
export function checkToolHeaders (toolHeaders: ToolHeaders): preHandlerHookHandler {
  return function checkToolHeadersStep (request, _reply, done) {
    toolHeaders.check(found(request, 'message'), request.raw.rawHeaders)
    done()
  }
}
