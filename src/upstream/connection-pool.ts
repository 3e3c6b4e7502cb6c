import { Client, type buildConnector } from 'undici'

/** The connections to one upstream. Each carries one request at a time. */
export interface ConnectionPool {
  /** Returns an idle connection, or one that is yet to be opened. */
  take (): Client
  /** Takes a connection back at the end of a whole response. */
  release (connection: Client): void
  /** Closes a connection, with whatever is under way on it. */
  drop (connection: Client): void
  close (): Promise<void>
}

/**
 * Makes a pool without a limit of its own, because the number of client connections bounds it.
 *
 * undici's `Pool` is not used. It connects anew for each request that is aborted, although nobody waits for
 * that connection, and it keeps a client for each connection that there ever was. It also looks for a free
 * connection from the oldest on, past every stream. Here the connection that was used last is taken first,
 * so those that are not needed any more close by their idle time.
 */
export function openConnectionPool (
  origin: string, connect: buildConnector.connector, options: Client.Options
): ConnectionPool {
  const open = new Set<Client>()
  /** The one that was used last is at the end. */
  const idle: Client[] = []
  let isClosed = false

  function openOne (): Client {
    const connection = new Client(origin, { ...options, connect, pipelining: 1 })
    open.add(connection)
    connection.on('disconnect', () => {
      const at = idle.indexOf(connection)
      if (at === -1) return // a request on it fails, or it is sent on a new connection if nothing of it was
      idle.splice(at, 1)
      drop(connection)
    })
    if (isClosed) drop(connection) // a request on it fails
    return connection
  }

  function drop (connection: Client): void {
    open.delete(connection)
    destroy(connection)
  }

  return {
    take: () => idle.pop() ?? openOne(),
    release (connection) {
      // undici says when: what an upstream sends unasked after its response must not meet the next request.
      connection.once('drain', () => {
        if (connection.stats.connected) idle.push(connection)
        else drop(connection)
      })
    },
    drop,
    async close () {
      isClosed = true
      idle.length = 0
      await Promise.all([...open].map(destroy))
      open.clear()
    }
  }
}

function destroy (connection: Client): Promise<void> {
  return connection.destroy().catch(() => {}) // it only rejects when it was destroyed before
}
