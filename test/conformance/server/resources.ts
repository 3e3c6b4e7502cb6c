import { ResourceTemplate, type McpServer } from '@modelcontextprotocol/server'
import { PICTURE } from './samples.js'

const TEXTS = {
  'test://static-text': 'This is the content of the static text resource.',
  'test://watched-resource': 'This resource never changes.'
} as const

/** Registers the MCP resources, a template, and subscriptions that are accepted but never notify. */
export function registerResources (server: McpServer): void {
  for (const [uri, text] of Object.entries(TEXTS)) {
    const mimeType = 'text/plain'
    server.registerResource(uri.slice('test://'.length), uri, { description: 'A text', mimeType }, () => ({
      contents: [{ uri, mimeType, text }]
    }))
  }

  const { data: blob, mimeType } = PICTURE
  server.registerResource('static-binary', 'test://static-binary', { description: 'A picture', mimeType },
    ({ href: uri }) => ({ contents: [{ uri, mimeType, blob }] }))

  const json = 'application/json'
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined })
  server.registerResource('template', template, { description: 'Some data for an id', mimeType: json },
    ({ href: uri }, { id }) => {
      const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` })
      return { contents: [{ uri, mimeType: json, text }] }
    })

  server.server.setRequestHandler('resources/subscribe', () => ({}))
  server.server.setRequestHandler('resources/unsubscribe', () => ({}))
}
