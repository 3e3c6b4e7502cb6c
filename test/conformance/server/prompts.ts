import {
  completable, inputRequired, type GetPromptResult, type McpServer
} from '@modelcontextprotocol/server'
import * as z from 'zod'
import { areAnswered, askUser, requestsOf, type Questions } from './questions.js'
import { PICTURE } from './samples.js'

type Content = GetPromptResult['messages'][number]['content']

const CONTEXT: Questions = { user_context: askUser('What context should the prompt use?', 'context') }

/** Registers the prompts; completion is offered for an argument of one of them. */
export function registerPrompts (server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'A text' },
    () => prompt({ type: 'text', text: 'This is a simple prompt for testing.' }))

  server.registerPrompt('test_prompt_with_arguments', {
    description: 'A text with two arguments',
    argsSchema: z.object({
      arg1: completable(z.string().describe('First argument'), completeWord),
      arg2: z.string().describe('Second argument')
    })
  }, ({ arg1, arg2 }) => prompt({
    type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`
  }))

  server.registerPrompt('test_prompt_with_embedded_resource', {
    description: 'An MCP resource and a text',
    argsSchema: z.object({ resourceUri: z.string().describe('URI of the resource') })
  }, ({ resourceUri }) => prompt(
    {
      type: 'resource',
      resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' }
    },
    { type: 'text', text: 'Please process the embedded resource above.' }
  ))

  server.registerPrompt('test_prompt_with_image', { description: 'A picture and a text' },
    () => prompt({ type: 'image', ...PICTURE }, { type: 'text', text: 'Please analyze the image above.' }))

  server.registerPrompt('test_input_required_result_prompt', {
    description: 'Asks the user before it is given (SEP-2322)'
  }, (context) => areAnswered(CONTEXT, context)
    ? prompt({ type: 'text', text: `Use this context: ${JSON.stringify(context.mcpReq.inputResponses)}` })
    : inputRequired({ inputRequests: requestsOf(CONTEXT) }))
}

function prompt (...contents: Content[]): GetPromptResult {
  return { messages: contents.map((content) => ({ role: 'user', content })) }
}

function completeWord (begun: string): string[] {
  return ['test', 'testing'].filter((word) => word.startsWith(begun))
}
