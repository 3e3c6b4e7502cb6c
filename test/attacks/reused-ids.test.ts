// Getting at the list of what one may not use by asking for it, and then for something else with the same id:
// the official SDK's server writes a result to the response that it knows for the id, which is the later one.
// It fails here because every event stream is filtered, whatever was asked, and so is every other body while
// a list may still come (P9).
import t, { type Test } from 'tap'
import { randomUUID } from 'node:crypto'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { defer } from '../helpers/deferred.js'
import { startScene } from '../helpers/scene.js'

const SECRET = 'purge_everything'
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
}
const LIST = { jsonrpc: '2.0', id: 5, method: 'tools/list' }
const CALL = { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'get_todo', arguments: {} } }

interface Held {
  readonly transport: StreamableHTTPServerTransport
  readonly listAsked: Promise<void>
  readonly called: Promise<void>
  releaseList (): void
}

/** Starts the official server; its list comes when it is released, and its call never. */
async function startOfficialServer (t: Test, enableJsonResponse: boolean): Promise<Held> {
  const [listAsked, called, released] = [defer(), defer(), defer()]
  const server = new Server({ name: 'held', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, async () => {
    listAsked.resolve()
    await released.promise
    return { tools: ['get_todo', SECRET].map((name) => ({ name, inputSchema: { type: 'object' as const } })) }
  })
  server.setRequestHandler(CallToolRequestSchema, async () => {
    called.resolve()
    return await new Promise<never>(() => {})
  })
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, enableJsonResponse })
  await server.connect(transport as Parameters<typeof server.connect>[0])
  t.after(() => server.close())
  const release = (): void => { released.resolve() }
  return { transport, listAsked: listAsked.promise, called: called.promise, releaseList: release }
}

for (const [as, asJson] of [['events', false], ['JSON', true]] as const) {
  t.test(`P9: a list in the response to a call of the same id is filtered, as ${as}`, async (t) => {
    const held = await startOfficialServer(t, asJson)
    const { gateway, readToken } = await startScene(t, {
      answer (request, response, body) {
        held.transport.handleRequest(request, response, JSON.parse(body.toString()))
          .catch((error) => t.fail(error))
      }
    })
    const started = await gateway.post(readToken, INITIALIZE)
    await started.text()
    const session = started.headers.get('mcp-session-id') ?? ''
    const headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
    const leave = new AbortController()
    const list = gateway.post(readToken, LIST, { headers, signal: leave.signal })
      .then(async (response) => await response.text())
    await held.listAsked
    const call = gateway.post(readToken, CALL, { headers })
    await held.called
    held.releaseList()
    const text = await (await call).text()
    t.match(text, 'get_todo', 'the list came in the response to the call')
    t.notMatch(text, SECRET)
    leave.abort()
    await t.rejects(list, { name: 'AbortError' })
  })
}
