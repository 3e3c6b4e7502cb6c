import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'

/** One TCP connection, written and read byte by byte. */
export interface RawConnection {
  readonly socket: Socket
  write (text: string): void
  /** All that has arrived so far. */
  received (): string
  /** Resolves with all that has arrived once it holds `text`; rejects when the connection ends before. */
  until (text: string): Promise<string>
  /** Resolves when the peer has closed: `end` after a FIN, `reset` after an error. */
  readonly closed: Promise<'end' | 'reset'>
}

/** Opens a TCP connection. Whoever opens it closes it. */
export async function openSocket ({ origin }: { readonly origin: string }): Promise<Socket> {
  const { hostname, port } = new URL(origin)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.on('error', () => {}) // a reset is an outcome, too
  return socket
}

/** Opens a TCP connection and closes it after the test. */
export async function openConnection (t: Test, origin: string): Promise<RawConnection> {
  const socket = await openSocket({ origin })
  t.after(() => { socket.destroy() })
  return watch(socket)
}

function watch (socket: Socket): RawConnection {
  let received = ''
  let isReset = false
  const waiting = new Set<() => void>()
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    for (const look of [...waiting]) look()
  })
  socket.on('error', () => { isReset = true })
  const closed = new Promise<'end' | 'reset'>((resolve) => {
    socket.once('close', () => {
      resolve(isReset ? 'reset' : 'end')
      for (const look of [...waiting]) look()
    })
  })
  return {
    socket,
    closed,
    write: (text) => { socket.write(text, 'latin1') },
    received: () => received,
    until: (text) => new Promise((resolve, reject) => {
      function look (): void {
        if (!received.includes(text) && !socket.closed) return
        waiting.delete(look)
        if (received.includes(text)) return resolve(received)
        const what = `the connection closed without ${JSON.stringify(text)}`
        reject(new Error(`${what}; received ${JSON.stringify(received)}`))
      }
      waiting.add(look)
      look()
    })
  }
}
