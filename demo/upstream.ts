import { META, type Dialect } from './curl.js'
import { exchange, type Reply } from './exchange.js'
import { DemoFailure } from './failure.js'

export interface Tool {
  readonly name: string
  readonly inputSchema?: {
    readonly required?: readonly string[]
    readonly properties?: Readonly<Record<string, { readonly type?: unknown } | undefined>>
  }
  readonly annotations?: { readonly readOnlyHint?: boolean, readonly destructiveHint?: boolean }
}

/** Somebody's MCP server, as far as the demo has to know it. */
export interface Upstream {
  readonly url: string
  readonly dialect: Dialect
  readonly tools: readonly Tool[]
}

/** Finds out how an MCP server wants to be spoken to, and which tools it has. Throws DemoFailure. */
export async function examineUpstream (url: string): Promise<Upstream> {
  const { status } = await exchange(url, { id: 1, method: 'tools/list', params: {} })
  if (status === 401 || status === 403) {
    throw new DemoFailure(`${url} asks for authentication itself (HTTP ${status}): ` +
      'switch that off in your MCP server, because Postern does it instead')
  }
  for (const dialect of ['plain', 'modern', 'session'] as const) {
    const tools = await WAYS[dialect](url)
    if (tools !== undefined) return { url, dialect, tools }
  }
  throw new DemoFailure(`${url} is not an MCP endpoint (HTTP ${status}): ` +
    '--upstream takes the URL that MCP clients connect to, with its path, often /mcp')
}

type ListTools = (params: object) => Promise<Reply>
type Headers = Readonly<Record<string, string>>

/** Each returns the tools, or undefined when the server does not take it. */
const WAYS: Readonly<Record<Dialect, (url: string) => Promise<readonly Tool[] | undefined>>> = {
  plain: (url) => listAll(listWith(url)),
  modern: (url) => {
    const list = listWith(url, { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' })
    return listAll((params) => list({ ...params, _meta: META }))
  },
  session: async (url) => {
    const params = {
      protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'postern-demo', version: '1.0.0' }
    }
    const { headers } = await exchange(url, { id: 1, method: 'initialize', params })
    const id = headers.get('mcp-session-id')
    if (id === null) return undefined
    const session = { 'mcp-session-id': id }
    await exchange(url, { method: 'notifications/initialized' }, session)
    const tools = await listAll(listWith(url, session))
    // Only polite: servers need not support it.
    await fetch(url, { method: 'DELETE', headers: session }).catch(() => undefined)
    return tools
  }
}

function listWith (url: string, headers: Headers = {}): ListTools {
  return (params) => exchange(url, { id: 1, method: 'tools/list', params }, headers)
}

/** Far more than any server has; one whose cursors lead in a circle must not keep the demo from starting. */
const MAX_PAGES = 100

async function listAll (list: ListTools): Promise<readonly Tool[] | undefined> {
  const all: Tool[] = []
  let cursor: unknown
  for (let page = 0; page < MAX_PAGES; page++) {
    const { message } = await list(cursor === undefined ? {} : { cursor })
    const { tools, nextCursor } = (message?.['result'] ?? {}) as { tools?: unknown, nextCursor?: unknown }
    if (!Array.isArray(tools)) return undefined
    all.push(...tools.filter(isTool))
    if (typeof nextCursor !== 'string') break
    cursor = nextCursor
  }
  return all
}

function isTool (value: unknown): value is Tool {
  return typeof (value as Partial<Tool> | null)?.name === 'string'
}
