import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The open connections of a listener. */
export interface Connections {
  /** Serves a request when the answers to those before it on its connection are over. */
  takeTurns (request: IncomingMessage, response: ServerResponse, serve: () => void): void
  /** Lets every connection end with the last answer that is asked for on it; node itself closes those that are idle. */
  letGo (): void
}

/**
 * One request of a connection at a time. Answers go out in the order of the requests anyway (RFC 9112 §9.3.2); served at
 * once, those that are sent ahead would escape the limit of connections, and node never says of an answer whose turn has
 * not come that its client has left (F5, O4).
 */
interface Connection {
  /** Undefined while nothing is asked. */
  answer: ServerResponse | undefined
  /** Those sent ahead, in their order, and how each is served. */
  readonly waiting: Array<readonly [answer: ServerResponse, serve: () => void]>
}

/** Requests that a client may send ahead on one connection; with one more it is closed. */
const MOST_WAITING = 16

/**
 * Keeps track of the connections of a listener. Not of all answers in a set: V8 keeps what such a set held whenever it had
 * to grow, and all that this refers to, until the next full collection; nearly every request would be moved to the old
 * generation, which doubled its cost.
 */
export function trackConnections (server: Server): Connections {
  const connections = new Map<Socket, Connection>()
  server.on('connection', (socket) => {
    connections.set(socket, { answer: undefined, waiting: [] })
    socket.once('close', () => connections.delete(socket))
  })

  return {
    takeTurns ({ socket }, response, serve) {
      const connection = connections.get(socket)
      if (connection === undefined) return // it was closed
      const { answer, waiting } = connection
      if (answer !== undefined && waiting.length === MOST_WAITING) {
        socket.destroy()
        return
      }
      response.once('close', () => { serveNext(socket, connection) })
      if (answer !== undefined) {
        waiting.push([response, serve])
        return
      }
      connection.answer = response
      serve()
    },
    letGo () {
      for (const [socket, { answer, waiting }] of connections) {
        // Opened in advance, as browsers and pools do: nothing is in flight, but node waits for the first request.
        if (socket.bytesRead === 0) socket.destroy()
        const last = waiting.at(-1)?.[0] ?? answer
        if (last !== undefined) last.shouldKeepAlive = false
      }
    }
  }
}

function serveNext (socket: Socket, connection: Connection): void {
  connection.answer = undefined
  const next = connection.waiting.shift()
  if (next === undefined || socket.destroyed) return
  const [answer, serve] = next
  connection.answer = answer
  serve()
}
