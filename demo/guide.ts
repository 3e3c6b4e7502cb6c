export interface GuideFacts {
  /** The MCP endpoint and resource identifier. */
  readonly resource: string
  readonly issuer: string
  /** A read-only access token. */
  readonly token: string
}

/** Returns the lines that tell what to try. The curl lines work as they are. */
export function renderGuide ({ resource, issuer, token }: GuideFacts): string[] {
  const vsCode = { servers: { 'postern-demo': { type: 'http', url: resource } } }
  return [
    '',
    `Postern protects ${resource}`,
    `Authorization server: ${issuer} (sign in with any name)`,
    '',
    'List the todos with a read-only access token (good for one hour):',
    '',
    renderCurl('curl -s', resource, token, { name: 'list_todos' }),
    '',
    'Try to write with it. The response is 403, and WWW-Authenticate names the scope to step up to:',
    '',
    renderCurl('curl -i', resource, token, { name: 'create_todo', arguments: { title: 'Buy milk' } }),
    '',
    'Connect a client. It finds the authorization server, registers and opens a browser to log in:',
    '',
    `  MCP Inspector   npx @modelcontextprotocol/inspector, then connect to ${resource} (Streamable HTTP)`,
    `  Claude Code     claude mcp add --transport http postern-demo ${resource}`,
    `  VS Code         .vscode/mcp.json: ${JSON.stringify(vsCode)}`,
    '',
    'Stop with Ctrl+C.'
  ]
}

/** A legacy call without a session is the shortest message: no `_meta`, no headers that repeat the body. */
function renderCurl (command: string, resource: string, token: string, params: object): string {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params }
  return [
    `${command} ${resource}`,
    `-H 'Authorization: Bearer ${token}'`,
    "-H 'Content-Type: application/json'",
    "-H 'Accept: application/json, text/event-stream'",
    `-d '${JSON.stringify(message)}'`
  ].join(' ')
}
