import type {
  CallToolResult, ElicitRequestFormParams, McpServer, ServerContext
} from '@modelcontextprotocol/server'
import * as z from 'zod'

type Schema = ElicitRequestFormParams['requestedSchema']

const USER: Schema = {
  type: 'object',
  properties: {
    username: { type: 'string', description: 'Name of the user' },
    email: { type: 'string', description: 'Email address of the user' }
  },
  required: ['username', 'email']
}

const WITH_DEFAULTS: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true }
  }
}

/** The five ways to spell a choice (SEP-1330). */
const WITH_CHOICES: Schema = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', oneOf: titled('Option') },
    legacyEnum: {
      type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three']
    },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: { type: 'array', items: { anyOf: titled('Choice') } }
  }
}

/** Registers the tools that send the client a request, which only legacy revisions allow. */
export function registerInputTools (server: McpServer): void {
  server.registerTool('test_sampling', {
    description: 'Has the client\'s model answer a prompt',
    inputSchema: z.object({ prompt: z.string() })
  }, async ({ prompt }, context) => {
    const { content } = await context.mcpReq.requestSampling({
      messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens: 100
    })
    return answer(`LLM response: ${JSON.stringify(content)}`)
  })

  server.registerTool('test_elicitation', {
    description: 'Asks the user for name and email address',
    inputSchema: z.object({ message: z.string() })
  }, ({ message }, context) => elicit(context, message, USER))

  server.registerTool('test_elicitation_sep1034_defaults', {
    description: 'Asks the user, with a default for every kind of field (SEP-1034)'
  }, (context) => elicit(context, 'Please check these values', WITH_DEFAULTS))

  server.registerTool('test_elicitation_sep1330_enums', {
    description: 'Asks the user to choose, in every way to spell a choice (SEP-1330)'
  }, (context) => elicit(context, 'Please choose', WITH_CHOICES))
}

async function elicit (
  context: ServerContext, message: string, requestedSchema: Schema
): Promise<CallToolResult> {
  const { action, content } = await context.mcpReq.elicitInput({ message, requestedSchema })
  return answer(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`)
}

function titled (noun: string): Array<{ const: string, title: string }> {
  return ['First', 'Second', 'Third'].map((which, index) => ({
    const: `value${index + 1}`, title: `${which} ${noun}`
  }))
}

function answer (text: string): CallToolResult {
  return { content: [{ type: 'text', text }] }
}
