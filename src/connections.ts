import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isUnread } from './http/request/request-body.js'

/** The open connections of a listener. */
export interface Connections {
  /** Serves a request when the responses to the earlier requests of its connection are over. */
  takeTurns (request: IncomingMessage, response: ServerResponse, serve: () => void): void
  /** Looks at the open requests. Calls back once for each response that was there at `MANY_LOOKS` looks. */
  look (tell: (response: ServerResponse) => void): void
  /** From now on, ends every connection after its last requested response. */
  letGo (): void
  /** From now on, requests wait until they are released. */
  hold (): void
  release (): void
  /**
   * Closes the idle connections, and from now on each connection when its last response is over. A connection
   * on which a part of a request has arrived is not idle.
   */
  closeIdle (): void
  /** Returns the number of connections and requests so far. */
  readonly arrivals: () => number
  /** Returns the number of open connections. */
  readonly count: () => number
}

/**
 * A connection, whose requests are served one at a time. Responses go out in the order of the requests anyway
 * (RFC 9112 §9.3.2). If requests that are sent ahead were served at once, they would escape the limit of
 * connections. And Node does not tell a response that its client has left before its turn comes (F5, O4).
 */
interface Connection {
  /** The response under way; undefined while there is no request. */
  response: ServerResponse | undefined
  /** Responses to the requests that were sent ahead, in their order, and how each is served. */
  readonly waiting: Array<readonly [response: ServerResponse, serve: () => void]>
  /** Number of times that the response under way was looked at. */
  looks: number
  /** Number of bytes that had been read when the connection last became idle. */
  idleSince: number
}

/** A response that is still there at the last of so many looks takes long. */
const MANY_LOOKS = 3
/** Time for a client to read the response to a request that it is still sending. */
const LINGER_MS = 500
/**
 * Number of requests that a client may send ahead on one connection. One more closes it, and so does a long
 * body: the connection would not be read for its sake, and nobody would see that the client has left.
 */
const MOST_WAITING = 16

/**
 * Keeps track of the connections of a listener. A Set of all responses would be simpler. But whenever such a
 * Set grows, V8 keeps its former content, and everything that this refers to, until the next full garbage
 * collection. Nearly every request would be moved to the old generation, which doubled its cost.
 */
export function trackConnections (server: Server): Connections {
  const connections = new Map<Socket, Connection>()
  let phase: 'open' | 'letting go' | 'closing' = 'open'
  let arrivals = 0
  /** What waits to be released; undefined while nothing has to wait. */
  let held: Array<() => void> | undefined
  server.on('connection', (socket) => {
    arrivals++
    const connection: Connection = { response: undefined, waiting: [], looks: 0, idleSince: 0 }
    connections.set(socket, connection)
    socket.once('close', () => connections.delete(socket))
    const destroySoon = socket.destroySoon.bind(socket)
    // Node calls it after a response with `Connection: close`. An unread request lingers: see `serveNext`.
    socket.destroySoon = () => { if (!isBrokenOff(connection)) destroySoon() }
  })

  function serveNext (socket: Socket, connection: Connection): void {
    if (isBrokenOff(connection)) return linger(socket)
    connection.response = undefined
    const next = connection.waiting.shift()
    if (socket.destroyed) return
    if (next === undefined) {
      connection.idleSince = socket.bytesRead
      if (phase === 'closing') socket.end()
      return
    }
    begin(socket, connection, ...next)
  }

  function begin (
    socket: Socket, connection: Connection, response: ServerResponse, serve: () => void
  ): void {
    connection.response = response
    connection.looks = 0
    if (held === undefined) return serve()
    held.push(() => { if (!socket.destroyed) serve() })
  }

  return {
    arrivals: () => arrivals,
    count: () => connections.size,
    takeTurns ({ socket, heldBody }, response, serve) {
      arrivals++
      const connection = connections.get(socket)
      if (connection === undefined) return // it was closed
      const { response: current, waiting } = connection
      if (current !== undefined && (waiting.length === MOST_WAITING || heldBody?.isLong === true)) {
        socket.destroy()
        return
      }
      if (phase !== 'open') moveEnd(lastOf(connection), response)
      response.once('close', () => { serveNext(socket, connection) })
      if (current !== undefined) {
        waiting.push([response, serve])
        return
      }
      begin(socket, connection, response, serve)
    },
    look (tell) {
      for (const connection of connections.values()) {
        if (connection.response === undefined || connection.looks === MANY_LOOKS) continue
        if (++connection.looks === MANY_LOOKS) tell(connection.response)
      }
    },
    letGo () {
      phase = 'letting go'
      for (const connection of connections.values()) moveEnd(undefined, lastOf(connection))
    },
    hold () {
      held = []
    },
    release () {
      const waiting = held ?? []
      held = undefined
      for (const serve of waiting) serve()
    },
    closeIdle () {
      phase = 'closing'
      for (const [socket, { response, idleSince }] of connections) {
        if (response === undefined && socket.bytesRead === idleSince) socket.destroy()
      }
    }
  }
}

/** Whether the response under way ends before its request does: what follows cannot be read. */
function isBrokenOff ({ response }: Connection): boolean {
  return response !== undefined && isUnread(response.req)
}

/**
 * Ends a connection of which no more is read. It is not destroyed at once: what is unread would reset it, and
 * the client would lose the response (RFC 9112 §9.6).
 */
function linger (socket: Socket): void {
  socket.end()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}

function lastOf ({ response, waiting }: Connection): ServerResponse | undefined {
  return waiting.at(-1)?.[0] ?? response
}

/** Moves `Connection: close` to the last response of a connection: responses after it are lost. */
function moveEnd (from: ServerResponse | undefined, to: ServerResponse | undefined): void {
  if (from !== undefined) from.shouldKeepAlive = true
  if (to !== undefined) to.shouldKeepAlive = false
}
