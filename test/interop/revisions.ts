/** The two families of revisions: modern from 2026-07-28, legacy before. */
export type Era = 'legacy' | 'modern'

const MODERN = '2026-07-28'
const SUPPORTS_MODERN = new RegExp(`"supportedVersions"\\s*:\\s*\\[[^\\]]*"${MODERN}"`)
const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'interop', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {}
}
const DISCOVER = { jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta: META } }
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'interop', version: '1.0.0' }
  }
}

/** Asks an upstream directly which revisions it speaks. Throws when it speaks none, or another transport. */
export async function probeEras (url: string, transport: 'http' | 'sse'): Promise<readonly Era[]> {
  if (transport === 'sse') {
    await requireEventStream(url)
    return ['legacy']
  }
  const initialized = await post(url, INITIALIZE, {})
  const discovered = await post(url, DISCOVER, {
    'mcp-protocol-version': MODERN, 'mcp-method': DISCOVER.method
  })
  const eras: Era[] = []
  if (/"result"\s*:/.test(initialized)) eras.push('legacy')
  // The Go SDK's stateful server also answers this, with legacy revisions.
  if (SUPPORTS_MODERN.test(discovered)) eras.push('modern')
  if (eras.length === 0) throw new Error(`it speaks no revision: ${initialized} ${discovered}`)
  return eras
}

async function post (
  url: string, message: object, headers: Readonly<Record<string, string>>
): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers
    },
    body: JSON.stringify(message)
  })
  const text = await readFirstMessage(response)
  const session = response.headers.get('mcp-session-id')
  if (session !== null) await fetch(url, { method: 'DELETE', headers: { 'mcp-session-id': session } })
  return text
}

/** Reads up to the first message: an event stream may stay open. */
async function readFirstMessage (response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (/"(result|error)"\s*:[^]*\n\n$/.test(text)) break
  }
  return text
}

async function requireEventStream (url: string): Promise<void> {
  const response = await fetch(url, { headers: { accept: 'text/event-stream' } })
  await response.body?.cancel()
  const type = response.headers.get('content-type')
  const isStream = response.ok && type?.startsWith('text/event-stream') === true
  if (!isStream) throw new Error(`answered ${response.status} with ${type} (expected an event stream)`)
}
