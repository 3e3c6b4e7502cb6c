/** The commands that the guide prints: for a POSIX shell with curl, and node to format. */

/** How the MCP server behind the gateway wants to be spoken to. */
export type Dialect =
  /** A message by itself (revisions before 2026-07-28, without a session). */
  | 'plain'
  /** What revision 2026-07-28 asks for: `_meta`, and headers that repeat the body. */
  | 'modern'
  /** `initialize` first, and the session's id with each message (before 2026-07-28). */
  | 'session'

export interface Call {
  readonly tool: string
  readonly arguments?: object
}

export interface TokenRequest {
  readonly issuer: string
  readonly resource: string
  readonly credentials: { readonly clientId: string, readonly clientSecret: string }
}

/** Formats a response: its status, its challenge, and what matters of its message, which may be an event. */
export const DEFINE_SHOW = [
  'show() { node -e \'',
  '  const [head, body] = fs.readFileSync(0, "utf8").split("\\r\\n\\r\\n")',
  '  const [json] = body.match(/^{.*}/s) ?? body.match(/{.*}/g)?.slice(-1) ?? ["null"]',
  '  const message = JSON.parse(json)',
  '  console.log(head.match(/^(http|www-authenticate).*/gim).join("\\n"))',
  '  console.dir(message?.result?.structuredContent ?? message?.result ?? message, { depth: 9 })',
  '\'; }'
]

/** Client credentials (RFC 6749 §4.4), as any program gets a token. */
export function exportToken (request: TokenRequest, scopes: readonly string[]): string[] {
  const { issuer, resource, credentials: { clientId, clientSecret } } = request
  const scope = scopes.length === 0 ? '' : ` -d scope=${quote(scopes.join(' '))}`
  return [
    `export TOKEN=$(curl -sS ${issuer}/token -u ${clientId}:${clientSecret} \\`,
    `  -d grant_type=client_credentials -d resource=${resource}${scope} \\`,
    '  | node -p \'JSON.parse(fs.readFileSync(0)).access_token\')'
  ]
}

/** The handshake of revisions before 2026-07-28: its response names the session. */
export function exportSession (resource: string): string[] {
  const params = {
    protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'curl', version: '1.0.0' }
  }
  const [first = '', ...rest] = post(resource, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
  const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
  return [
    `export SESSION=$(${first}`,
    ...pipe(rest, 'node -p \'/^mcp-session-id: (.*)/im.exec(fs.readFileSync(0))[1]\')'),
    ...pipe(post(resource, initialized, [SESSION]), 'head -n 1')
  ]
}

export function callTool (resource: string, dialect: Dialect, call: Call): string[] {
  const params = { name: call.tool, ...(call.arguments === undefined ? {} : { arguments: call.arguments }) }
  return show(resource, dialect, 'tools/call', params)
}

export function listTools (resource: string, dialect: Dialect): string[] {
  return show(resource, dialect, 'tools/list', {})
}

const SESSION = 'Mcp-Session-Id: $SESSION'

/** What a client of revision 2026-07-28 says about itself with each message. */
export const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'curl', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {}
}

function show (
  resource: string, dialect: Dialect, method: string, params: { readonly name?: string }
): string[] {
  const message = { jsonrpc: '2.0', id: 1, method, params }
  if (dialect === 'plain') return pipe(post(resource, message), 'show')
  if (dialect === 'session') return pipe(post(resource, message, [SESSION]), 'show')
  const headers = ['MCP-Protocol-Version: 2026-07-28', `Mcp-Method: ${method}`]
  if (params.name !== undefined) headers.push(`Mcp-Name: ${params.name}`)
  return pipe(post(resource, { ...message, params: { ...params, _meta: META } }, headers), 'show')
}

function post (resource: string, message: object, headers: readonly string[] = []): string[] {
  return [
    `curl -sS -i ${resource} -H "Authorization: Bearer $TOKEN" \\`,
    '  -H \'Content-Type: application/json\' -H \'Accept: application/json, text/event-stream\' \\',
    ...headers.map((header) => `  -H "${header}" \\`),
    `  -d ${quote(JSON.stringify(message))}`
  ]
}

function pipe (lines: readonly string[], command: string): string[] {
  return [...lines.slice(0, -1), `${lines.at(-1)} \\`, `  | ${command}`]
}

function quote (text: string): string {
  return `'${text.replaceAll('\'', '\'\\\'\'')}'`
}
