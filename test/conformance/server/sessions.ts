import { randomUUID } from 'node:crypto'
import {
  WebStandardStreamableHTTPServerTransport, type EventStore, type McpServer
} from '@modelcontextprotocol/server'

/** How long a client waits before it reconnects (SEP-1699). */
const RETRY_MS = 500

export interface Sessions {
  answer (request: Request): Promise<Response>
  close (): Promise<void>
}

/**
 * Serves legacy revisions: each session has a server object until a DELETE, and streams that can be
 * resumed.
 */
export function openSessions (createServer: () => McpServer): Sessions {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>()

  /** Only an `initialize` request begins a session; the response to any other is an error. */
  async function answerWithoutSession (request: Request): Promise<Response> {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: openEventStore(),
      retryInterval: RETRY_MS,
      onsessioninitialized: (id) => { sessions.set(id, transport) },
      onsessionclosed: (id) => { sessions.delete(id) }
    })
    await createServer().connect(transport)
    const response = await transport.handleRequest(request)
    if (transport.sessionId === undefined) await transport.close()
    return response
  }

  return {
    async answer (request) {
      const id = request.headers.get('mcp-session-id')
      if (id === null) return answerWithoutSession(request)
      return await sessions.get(id)?.handleRequest(request) ?? Response.json(
        { jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null }, { status: 404 }
      )
    },
    async close () {
      await Promise.all(Array.from(sessions.values(), (transport) => transport.close()))
    }
  }
}

/** Keeps every event of one session, so that a stream can be resumed after any of them. */
function openEventStore (): EventStore {
  type Stored = Parameters<EventStore['storeEvent']>
  const events: Array<{ readonly streamId: Stored[0], readonly message: Stored[1] }> = []
  return {
    storeEvent: async (streamId, message) => String(events.push({ streamId, message }) - 1),
    async replayEventsAfter (lastEventId, { send }) {
      const last = events[Number(lastEventId)]
      if (last === undefined) throw new Error('there is no such event')
      for (const [index, { streamId, message }] of events.entries()) {
        const isLater = index > Number(lastEventId) && streamId === last.streamId
        // A stream begins with an event that is not a message.
        if (isLater && 'jsonrpc' in message) await send(String(index), message)
      }
      return last.streamId
    }
  }
}
