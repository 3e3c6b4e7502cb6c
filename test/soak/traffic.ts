import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { toolCall } from '../helpers/gateway.js'

/** How often each outcome was seen: a status, or the code of an error. */
export type Outcomes = Record<string, number>

export interface Traffic {
  readonly outcomes: Readonly<Record<Kind, Outcomes>>
  /** Ends all clients. Resolves when the last one has ended. */
  stop (): Promise<void>
}

export interface TrafficOptions {
  readonly port: number
  readonly token: () => Promise<string>
}

type Kind = 'calls' | 'lists' | 'forbidden' | 'streams' | 'aborted' | 'strangers'

const EACH: Readonly<Record<Kind, number>> = {
  calls: 6, lists: 2, forbidden: 1, streams: 8, aborted: 4, strangers: 4
}
/** A client that got nothing waits, or it would only measure how fast a refusal is. */
const AFTER_FAILURE_MS = 50
const LONGEST_STREAM_MS = 3_000

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })

/** Starts clients of every kind. Each sends one request after the other. */
export function startTraffic ({ port, token }: TrafficOptions): Traffic {
  const outcomes: Record<Kind, Outcomes> = {
    calls: {}, lists: {}, forbidden: {}, streams: {}, aborted: {}, strangers: {}
  }
  const agent = new Agent({ keepAlive: true })
  const stopping = new AbortController()
  let id = 0

  function post (body: object, authorization: string, leaveAfterMs?: number): Promise<string> {
    return send('POST', authorization, JSON.stringify(body), leaveAfterMs)
  }

  function send (
    method: string, authorization: string, body?: string, leaveAfterMs?: number
  ): Promise<string> {
    return new Promise((resolve) => {
      const outgoing = request({
        host: '127.0.0.1',
        port,
        path: '/mcp',
        method,
        agent,
        headers: {
          authorization,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream'
        }
      }, (response) => {
        const status = String(response.statusCode)
        response.resume().once('close', () => resolve(status))
      })
      outgoing.once('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message))
      outgoing.end(body)
      if (leaveAfterMs !== undefined) setTimeout(() => outgoing.destroy(), leaveAfterMs)
    })
  }

  const bearer = async (): Promise<string> => `Bearer ${await token()}`

  const clients: Record<Kind, () => Promise<string>> = {
    calls: async () => post(toolCall('list_todos', {}, id++), await bearer()),
    lists: async () => post({ jsonrpc: '2.0', id: id++, method: 'tools/list' }, await bearer()),
    forbidden: async () => post(toolCall('drop_table', {}, id++), await bearer()),
    streams: async () => send('GET', await bearer(), undefined, Math.random() * LONGEST_STREAM_MS),
    aborted: async () => post(toolCall('get_todo', {}, id++), await bearer(), Math.random() * 4),
    strangers: () => STRANGERS[Math.floor(Math.random() * STRANGERS.length)]?.(port) ?? Promise.resolve('none')
  }

  async function run (kind: Kind): Promise<void> {
    while (!stopping.signal.aborted) {
      const outcome = await clients[kind]()
      outcomes[kind][outcome] = (outcomes[kind][outcome] ?? 0) + 1
      if (!/^[24]/.test(outcome)) await pause(AFTER_FAILURE_MS)
    }
  }

  const running = Object.entries(EACH).flatMap(([kind, count]) =>
    Array.from({ length: count }, () => run(kind as Kind)))
  return {
    outcomes,
    async stop () {
      stopping.abort()
      await Promise.all(running)
      agent.destroy()
    }
  }
}

const POST = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
const BYTE_BY_BYTE = '1\r\nx\r\n'.repeat(20_000)

/** What strangers send: nothing of it is a token that anybody issued. */
const STRANGERS: ReadonlyArray<(port: number) => Promise<string>> = [
  (port) => exchange(port, `${POST}Content-Length: 2\r\n\r\n{}`),
  (port) => exchange(port, `${POST}Authorization: Bearer junk\r\nTransfer-Encoding: chunked\r\n\r\n${BYTE_BY_BYTE}`),
  (port) => exchange(port, `${POST}Transfer-Encoding: chunked\r\n\r\n${BYTE_BY_BYTE}`),
  (port) => exchange(port, `${POST}Content-Length: 4000000\r\n\r\n{`),
  (port) => exchange(port, `${POST}Authorization: Bearer ${unknownKey()}\r\nContent-Length: 2\r\n\r\n{}`),
  (port) => exchange(port, 'GET /mcp/%2e%2e/admin HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  (port) => exchange(port, `${POST}Content-Length: 2\r\n\r\n{}`.repeat(8)),
  (port) => exchange(port, '\u0016\u0003\u0001\r\n\r\n')
]

function unknownKey (): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'ES256', kid: String(Math.random()) })}.${part({ iss: 'x' })}.c2lnbmF0dXJl`
}

/** Resolves with the first status, and leaves then. */
function exchange (port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1')
    socket.once('data', (data) => {
      resolve(/^HTTP\/1\.1 (\d+)/.exec(data.toString('latin1'))?.[1] ?? 'no HTTP')
      socket.destroy()
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)))
    socket.once('close', () => resolve('closed'))
    socket.write(text, 'latin1')
  })
}
