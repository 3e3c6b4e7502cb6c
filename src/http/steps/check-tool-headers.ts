import type { preHandlerHookHandler } from 'fastify'
import type { ToolHeaders } from '../../mcp/tool-headers.js'
import { found } from '../request/findings.js'

/**
 * Refuses a call whose `Mcp-Param-*` headers differ from its arguments, if the schema of the tool was seen
 * (M6).
 */
export function checkToolHeaders (toolHeaders: ToolHeaders): preHandlerHookHandler {
  return function checkToolHeadersStep (request, _reply, done) {
    toolHeaders.check(found(request, 'message'), request.raw.rawHeaders)
    done()
  }
}
