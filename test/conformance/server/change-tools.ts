import type { McpServer, ServerNotifier } from '@modelcontextprotocol/server'

/** Registers the tools that make the server notify its listeners of a changed list (SEP-2575). */
export function registerChangeTools (server: McpServer, notifier: ServerNotifier): void {
  server.registerTool('test_trigger_tool_change', { description: 'Reports changed tools' }, () => {
    notifier.toolsChanged()
    return { content: [{ type: 'text', text: 'said' }] }
  })
  server.registerTool('test_trigger_prompt_change', { description: 'Reports changed prompts' }, () => {
    notifier.promptsChanged()
    return { content: [{ type: 'text', text: 'said' }] }
  })
}
