import type { McpServer, ServerNotifier } from '@modelcontextprotocol/server'

/** Registers the tools that have the server say, to those who listen, that a list has changed (SEP-2575). */
export function registerChangeTools (server: McpServer, notifier: ServerNotifier): void {
  server.registerTool('test_trigger_tool_change', { description: 'Says that the list of tools has changed' }, () => {
    notifier.toolsChanged()
    return { content: [{ type: 'text', text: 'said' }] }
  })
  server.registerTool('test_trigger_prompt_change', { description: 'Says that the list of prompts has changed' }, () => {
    notifier.promptsChanged()
    return { content: [{ type: 'text', text: 'said' }] }
  })
}
