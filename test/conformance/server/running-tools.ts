import { setTimeout as wait } from 'node:timers/promises'
import type { CallToolResult, McpServer } from '@modelcontextprotocol/server'

/** A pause, so that the messages before and after it arrive apart on an open stream. */
const STEP_MS = 50
/** Long enough for a client to notice that its stream is closed. */
const AWAY_MS = 100

/** Registers the tools that send notifications while they run. */
export function registerRunningTools (server: McpServer): void {
  server.registerTool('test_tool_with_logging', {
    description: 'Logs three times while it runs'
  }, async (context) => {
    for (const text of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await context.mcpReq.log('info', text)
      await wait(STEP_MS)
    }
    return done()
  })

  server.registerTool('test_logging_tool', {
    description: 'Logs once, which only a request that sets a log level may see (SEP-2575)'
  }, async (context) => {
    await context.mcpReq.log('info', 'the tool ran')
    return done()
  })

  server.registerTool('test_tool_with_progress', {
    description: 'Reports its progress three times, when it is given a token'
  }, async (context) => {
    const progressToken = context.mcpReq._meta?.progressToken
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined) {
        await context.mcpReq.notify({
          method: 'notifications/progress', params: { progressToken, progress, total: 100 }
        })
      }
      await wait(STEP_MS)
    }
    return done()
  })

  server.registerTool('test_reconnection', {
    description: 'Closes its stream before the response, which the client gets after reconnecting (SEP-1699)'
  }, async (context) => {
    context.http?.closeSSE?.()
    await wait(AWAY_MS)
    return done()
  })
}

function done (): CallToolResult {
  return { content: [{ type: 'text', text: 'done' }] }
}
