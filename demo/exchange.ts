import { DemoFailure } from './failure.js'

export interface Reply {
  readonly status: number
  readonly headers: Headers
  /** What answers the message; absent when nothing in the response does. */
  readonly message?: Readonly<Record<string, unknown>> | undefined
}

export interface Message {
  /** Absent from a notification. */
  readonly id?: number
  readonly method: string
  readonly params?: object
}

const TIMEOUT_MS = 10_000

/** Sends one JSON-RPC message to an MCP endpoint. Throws DemoFailure when nobody answers. */
export async function exchange (
  url: string, message: Message, headers: Readonly<Record<string, string>> = {}
): Promise<Reply> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...message })
    })
    const { status, headers: responseHeaders } = response
    return { status, headers: responseHeaders, message: await readReply(response, message.id) }
  } catch (error) {
    const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException }
    const isLate = name === 'TimeoutError'
    const reason = isLate ? `no response in ${TIMEOUT_MS / 1000} seconds` : cause?.code ?? message
    throw new DemoFailure(`cannot reach ${url} (${reason}): start your MCP server, or correct --upstream`)
  }
}

async function readReply (response: Response, id: number | undefined): Promise<Reply['message']> {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  if (!isStream || response.body === null) return parseReply(await response.text(), id)
  let text = ''
  // A server may keep a stream open after the reply.
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const lines = text.split(/\r\n|\r|\n/)
    text = lines.pop() ?? ''
    for (const line of lines) {
      const reply = line.startsWith('data:') ? parseReply(line.slice(5), id) : undefined
      if (reply !== undefined) return reply
    }
  }
  return undefined
}

function parseReply (text: string, id: number | undefined): Reply['message'] {
  try {
    const value = JSON.parse(text) as { readonly id?: unknown } | null
    return typeof value === 'object' && value !== null && value.id === id ? { ...value } : undefined
  } catch {
    return undefined
  }
}
