import { fromJsonSchema, type ContentBlock, type McpServer } from '@modelcontextprotocol/server'
import { PICTURE, SOUND } from './samples.js'

interface ContentTool {
  readonly name: string
  readonly description: string
  readonly content: ContentBlock[]
}

const CONTENT_TOOLS: readonly ContentTool[] = [
  {
    name: 'test_simple_text',
    description: 'Answers with a text',
    content: [{ type: 'text', text: 'This is a simple text response for testing.' }]
  },
  {
    name: 'test_image_content',
    description: 'Answers with a picture',
    content: [{ type: 'image', ...PICTURE }]
  },
  {
    name: 'test_audio_content',
    description: 'Answers with a sound',
    content: [{ type: 'audio', ...SOUND }]
  },
  {
    name: 'test_embedded_resource',
    description: 'Answers with an MCP resource',
    content: [{
      type: 'resource',
      resource: {
        uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.'
      }
    }]
  },
  {
    name: 'test_multiple_content_types',
    description: 'Answers with a text, a picture and an MCP resource',
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      { type: 'image', ...PICTURE },
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: '{"test":"data","value":123}'
        }
      }
    ]
  },
  {
    name: 'test_streaming_elicitation',
    description: 'Answers with a text; its stream holds no request of the server (SEP-2575)',
    content: [{ type: 'text', text: 'no request on this stream' }]
  }
]

/** A keyword of MCP, not of JSON Schema (SEP-2243). */
const REPEATED_IN_HEADER = { type: 'string', 'x-mcp-header': 'Region' } as const

/** Registers the tools whose result is always the same. */
export function registerContentTools (server: McpServer): void {
  for (const { name, description, content } of CONTENT_TOOLS) {
    server.registerTool(name, { description }, () => ({ content }))
  }
  server.registerTool('test_error_handling', { description: 'Always fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
  registerSchemaTools(server)
}

/** Tools whose schema must reach the client as it is written here. */
function registerSchemaTools (server: McpServer): void {
  server.registerTool('json_schema_2020_12_tool', {
    description: 'Has an input schema with the keywords of JSON Schema 2020-12 (SEP-1613, SEP-2106)',
    inputSchema: fromJsonSchema({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: {
          $anchor: 'addressDef',
          type: 'object',
          properties: { street: { type: 'string' }, city: { type: 'string' } }
        }
      },
      properties: {
        name: { type: 'string' },
        address: { $ref: '#/$defs/address' },
        contactMethod: { type: 'string', enum: ['phone', 'email'] },
        phone: { type: 'string' },
        email: { type: 'string' }
      },
      allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
      if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
      then: { required: ['phone'] },
      else: { required: ['email'] },
      additionalProperties: false
    })
  }, (args) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }))

  server.registerTool('test_x_mcp_header', {
    description: 'Has a parameter that the Mcp-Param-Region header repeats (SEP-2243)',
    inputSchema: fromJsonSchema({ type: 'object', properties: { region: REPEATED_IN_HEADER } })
  }, (args) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }))
}
