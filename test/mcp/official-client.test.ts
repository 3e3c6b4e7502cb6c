import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { McpServer, ResourceTemplate, completable, createMcpHandler } from '@modelcontextprotocol/server'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { checkHeaderAgreement } from '../../src/mcp/headers.js'
import { readMessage } from '../../src/mcp/message.js'
import { operationsOf } from '../../src/mcp/operation.js'

// Names that cannot stand in a header as they are, and one that looks like an encoded one.
const NAMES = ['get_todo', 'größe', ' padded ', '=?base64?eA==?=', 'line\nbreak', '']

function buildServer (): McpServer {
  const server = new McpServer({ name: 'test', version: '1' }, { capabilities: { resources: { subscribe: true }, logging: {} } })
  for (const name of NAMES) {
    server.registerTool(name, { inputSchema: z.object({}).loose() }, () => ({ content: [] }))
  }
  server.registerPrompt('grüß', { argsSchema: z.object({ who: completable(z.string(), () => ['a']) }) }, () => ({ messages: [] }))
  const template = new ResourceTemplate('todo://{id}', { list: undefined, complete: { id: () => ['1'] } })
  server.registerResource('todo', template, {}, (uri) => ({ contents: [{ uri: uri.href, text: '' }] }))
  return server
}

/**
 * Runs a client against the official server in process and returns what our reader makes of each message on
 * the way.
 */
async function observe (t: Test, mode: 'legacy' | { pin: string }, use: (client: Client) => Promise<unknown>): Promise<string[]> {
  t.capture(console, 'warn') // the SDK advises against such names, for each server object anew
  const mcp = createMcpHandler(buildServer)
  const seen: string[] = []
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
  t.teardown(() => mcp.close())
  t.teardown(() => client.close())
  await client.connect(new StreamableHTTPClientTransport(new URL('http://127.0.0.1/mcp'), {
    async fetch (url, init) {
      const request = new Request(url, init)
      if (request.method === 'POST') {
        const message = readMessage(Buffer.from(await request.clone().arrayBuffer()), { maxDepth: 64 })
        checkHeaderAgreement(message, [...request.headers].flat())
        seen.push(...operationsOf(message).map(({ method, target }) => target === undefined ? method : `${method} ${target.name}`))
      }
      return mcp.fetch(request)
    }
  }))
  await use(client)
  return seen
}

async function useEverything (client: Client): Promise<void> {
  await client.listTools()
  for (const name of NAMES) await client.callTool({ name, arguments: { Name: 'x', meta: { größe: 1 } } })
  await client.getPrompt({ name: 'grüß', arguments: { who: 'ä' } })
  await client.readResource({ uri: 'todo://größe' })
  await client.complete({ ref: { type: 'ref/prompt', name: 'grüß' }, argument: { name: 'who', value: '' } })
  await client.complete({ ref: { type: 'ref/resource', uri: 'todo://{id}' }, argument: { name: 'id', value: '' } })
  await client.notification({ method: 'notifications/acme/changed' })
}

const EVERYTHING = [
  'tools/list', ...NAMES.flatMap((name) => ['tools/call', `tools/call ${name}`]), 'prompts/get', 'prompts/get grüß', 'resources/read', 'resources/read todo://größe',
  'completion/complete', 'completion/complete grüß', 'completion/complete', 'completion/complete todo://{id}', 'notifications/acme/changed'
]

t.test('M5: what the official client sends under 2026-07-28 is read and agrees', async (t) => {
  const seen = await observe(t, { pin: '2026-07-28' }, async (client) => {
    await useEverything(client)
    const subscription = await client.listen({ toolsListChanged: true, resourceSubscriptions: ['todo://1', 'todo://2'] })
    await subscription.close()
  })
  const expected = ['server/discover', ...EVERYTHING, 'subscriptions/listen', 'subscriptions/listen todo://1', 'subscriptions/listen todo://2']
  // Closing the subscription sends notifications/cancelled, whenever it arrives.
  t.strictSame(seen.slice(0, expected.length), expected)
})

t.test('what the official client sends under a legacy revision is read and agrees', async (t) => {
  t.strictSame(await observe(t, 'legacy', useEverything), ['initialize', 'notifications/initialized', ...EVERYTHING])
})
