import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { sendJson } from '../helpers/issuer.js'
import { startUpstream, type TestUpstream } from '../helpers/upstream.js'

/** Pages of a list: the entries of each one. */
export type Pages = Readonly<Record<string, ReadonlyArray<readonly unknown[]>>>

export interface McpServerOptions {
  /** By method, such as `tools/list`. */
  readonly pages?: Pages
  readonly era?: 'modern' | 'legacy'
  readonly capabilities?: unknown
  /** Every response is an event stream that stays open. */
  readonly streams?: boolean
}

const MEMBERS: Readonly<Record<string, string>> = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates'
}

interface Rpc {
  readonly id?: number
  readonly method: string
  readonly params?: { readonly cursor?: string }
}

const SESSION = 'session-of-the-test'

/** Starts an MCP server with these lists, which checks that it is spoken to as its era asks. */
export function startMcpServer (t: Test, options: McpServerOptions = {}): Promise<TestUpstream> {
  return startUpstream(t, (request, response, body) => {
    if (request.method === 'DELETE') return response.writeHead(204).end()
    const rpc = JSON.parse(body.toString()) as Rpc
    const result = options.era === 'legacy' ? answerLegacy(request, response, rpc, options) : answerModern(request, rpc, options)
    if (rpc.id === undefined) return response.writeHead(202).end()
    const message = { jsonrpc: '2.0', id: rpc.id, ...result }
    if (options.streams !== true) return sendJson(response, message)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': hello\r\n\r\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\r\n\r\n')
    response.write(`event: message\r\ndata: ${JSON.stringify(message)}\r\n\r\n`)
  })
}

const NO_METHOD = { error: { code: -32601, message: 'no such method' } }

function answerModern (
  { headers }: IncomingMessage, { method, params }: Rpc, options: McpServerOptions
): object {
  if (headers['mcp-protocol-version'] !== '2026-07-28' || headers['mcp-method'] !== method) return NO_METHOD
  if (method !== 'server/discover') return listOf(method, params?.cursor, options)
  return { result: { supportedVersions: ['2026-07-28'], capabilities: options.capabilities ?? ALL } }
}

function answerLegacy (
  { headers }: IncomingMessage, response: ServerResponse, { method, params }: Rpc, options: McpServerOptions
): object {
  if (method === 'initialize') {
    response.setHeader('mcp-session-id', SESSION)
    return { result: { protocolVersion: '2025-06-18', capabilities: options.capabilities ?? ALL } }
  }
  const isKnown = headers['mcp-session-id'] === SESSION && headers['mcp-protocol-version'] === '2025-06-18'
  return isKnown ? listOf(method, params?.cursor, options) : NO_METHOD
}

const ALL = { tools: {}, prompts: {}, resources: {} }

function listOf (method: string, cursor: string | undefined, { pages = {} }: McpServerOptions): object {
  const member = MEMBERS[method]
  const all = pages[method]
  if (member === undefined || all === undefined) return NO_METHOD
  const page = Number(cursor ?? '0')
  const next = page + 1 < all.length ? { nextCursor: String(page + 1) } : {}
  return { result: { [member]: all[page], ...next } }
}
