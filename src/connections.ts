import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The open connections of a listener. */
export interface Connections {
  /** Serves a request when the responses to those before it on its connection are over. */
  takeTurns (request: IncomingMessage, response: ServerResponse, serve: () => void): void
  /** From now on, lets every connection end with the last response that is asked for on it. */
  letGo (): void
  /**
   * Closes the connections on which nothing is asked, and from now on each one when its last response is
   * over. One on which a part of a request has come is not idle.
   */
  closeIdle (): void
  /** How many connections and requests there were. */
  readonly arrivals: () => number
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
  /** What had been read of it when it last became idle. */
  idleSince: number
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
  let phase: 'open' | 'letting go' | 'closing' = 'open'
  let arrivals = 0
  server.on('connection', (socket) => {
    arrivals++
    connections.set(socket, { response: undefined, waiting: [], idleSince: 0 })
    socket.once('close', () => connections.delete(socket))
  })

  function serveNext (socket: Socket, connection: Connection): void {
    connection.response = undefined
    const next = connection.waiting.shift()
    if (socket.destroyed) return
    if (next === undefined) {
      connection.idleSince = socket.bytesRead
      if (phase === 'closing') socket.end()
      return
    }
    const [response, serve] = next
    connection.response = response
    serve()
  }

  return {
    arrivals: () => arrivals,
    takeTurns ({ socket }, response, serve) {
      arrivals++
      const connection = connections.get(socket)
      if (connection === undefined) return // it was closed
      const { response: current, waiting } = connection
      if (current !== undefined && waiting.length === MOST_WAITING) {
        socket.destroy()
        return
      }
      if (phase !== 'open') moveEnd(lastOf(connection), response)
      response.once('close', () => { serveNext(socket, connection) })
      if (current !== undefined) {
        waiting.push([response, serve])
        return
      }
      connection.response = response
      serve()
    },
    letGo () {
      phase = 'letting go'
      for (const connection of connections.values()) moveEnd(undefined, lastOf(connection))
    },
    closeIdle () {
      phase = 'closing'
      for (const [socket, { response, idleSince }] of connections) {
        if (response === undefined && socket.bytesRead === idleSince) socket.destroy()
      }
    }
  }
}

function lastOf ({ response, waiting }: Connection): ServerResponse | undefined {
  return waiting.at(-1)?.[0] ?? response
}

/** The last response of a connection says `Connection: close`; what comes after one that says so is lost. */
function moveEnd (from: ServerResponse | undefined, to: ServerResponse | undefined): void {
  if (from !== undefined) from.shouldKeepAlive = true
  if (to !== undefined) to.shouldKeepAlive = false
}
