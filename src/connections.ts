import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The open connections of a listener. */
export interface Connections {
  /** Serves a request when the responses to those before it on its connection are over. */
  takeTurns (request: IncomingMessage, response: ServerResponse, serve: () => void): void
  /**
   * Lets every connection end with the last response that is asked for on it. Node closes the idle ones
   * itself.
   */
  letGo (): void
}

/**
 * One request of a connection at a time. Responses go out in the order of the requests anyway (RFC 9112
 * §9.3.2). Served at once, requests that are sent ahead would escape the limit of connections, and node never
 * tells a response whose turn has not come that its client has left (F5, O4).
 */
interface Connection {
  /** The response under way; undefined while nothing is asked. */
  response: ServerResponse | undefined
  /** Requests that were sent ahead, in their order, and how each is served. */
  readonly waiting: Array<readonly [response: ServerResponse, serve: () => void]>
}

/** Requests that a client may send ahead on one connection. One more closes it. */
const MOST_WAITING = 16

/**
 * Keeps track of the connections of a listener, not of all responses in a Set. V8 keeps what such a Set held
 * whenever it had to grow, and all that this refers to, until the next full collection: nearly every request
 * would be moved to the old generation, which doubled its cost.
 */
export function trackConnections (server: Server): Connections {
  const connections = new Map<Socket, Connection>()
  server.on('connection', (socket) => {
    connections.set(socket, { response: undefined, waiting: [] })
    socket.once('close', () => connections.delete(socket))
  })

  return {
    takeTurns ({ socket }, response, serve) {
      const connection = connections.get(socket)
      if (connection === undefined) return // it was closed
      const { response: current, waiting } = connection
      if (current !== undefined && waiting.length === MOST_WAITING) {
        socket.destroy()
        return
      }
      response.once('close', () => { serveNext(socket, connection) })
      if (current !== undefined) {
        waiting.push([response, serve])
        return
      }
      connection.response = response
      serve()
    },
    letGo () {
      for (const [socket, { response, waiting }] of connections) {
        // Opened in advance, as browsers and pools do: nothing is in flight, but node waits for the first
        // request.
        if (socket.bytesRead === 0) socket.destroy()
        const last = waiting.at(-1)?.[0] ?? response
        if (last !== undefined) last.shouldKeepAlive = false
      }
    }
  }
}

function serveNext (socket: Socket, connection: Connection): void {
  connection.response = undefined
  const next = connection.waiting.shift()
  if (next === undefined || socket.destroyed) return
  const [response, serve] = next
  connection.response = response
  serve()
}
