import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, isLegacyRequest, type McpHttpHandler } from '@modelcontextprotocol/server'
import { listen, stopListening } from '../../demo/listen.js'
import type { Closing } from '../helpers/closing.js'
import { createFeaturesWith } from './server/features.js'
import { openSessions } from './server/sessions.js'

/**
 * Starts a server on a free loopback port. It has everything that the suite's scenarios ask for, under every
 * revision. Returns the URL of its MCP endpoint.
 */
export async function startConformanceServer (closing: Closing): Promise<string> {
  const createFeatures = createFeaturesWith(randomBytes(32))
  const modern: McpHttpHandler = createMcpHandler(() => createFeatures(modern.notify), { legacy: 'reject' })
  const sessions = openSessions(() => createFeatures(modern.notify))
  // The adapter is made for Node's objects, but its types do not know exactOptionalPropertyTypes.
  const handle = toNodeHandler({
    fetch: async (request, options) => {
      return await isLegacyRequest(request) ? sessions.answer(request) : modern.fetch(request, options)
    }
  }) as (request: IncomingMessage, response: ServerResponse) => Promise<void>
  const hasLocalHost = localhostHostValidation()
  const hasLocalOrigin = localhostOriginValidation()

  const server = createServer((request, response) => {
    if (!hasLocalHost(request, response) || !hasLocalOrigin(request, response)) return
    handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  const port = await listen(server, { host: '127.0.0.1', port: 0, purpose: 'conformance server' })
  closing.after(async () => {
    await Promise.all([sessions.close(), modern.close()])
    await stopListening(server)
  })
  return `http://127.0.0.1:${port}/mcp`
}
