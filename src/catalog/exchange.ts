import type { IncomingHttpHeaders } from 'node:http'
import { editEvents } from '../mcp/event-stream.js'
import { holdBytes } from '../mcp/held-bytes.js'
import { isEventStream } from '../upstream/headers.js'
import type { RequestControl, ResponseReceiver, Upstream } from '../upstream/upstream.js'
import { isResponseTo, parseMessage } from './message.js'

/** What one look at an upstream may cost, all requests together. */
export interface CatalogLimits {
  readonly ms: number
  readonly bytes: number
  readonly requests: number
}

/** The upstream cannot be listed. The message says why; it may quote what the upstream sent. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError'
}

export interface CatalogRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: Record<string, string>
  readonly body?: string
  /** Of the JSON-RPC request in the body; nothing else on an event stream is waited for. */
  readonly id?: number
}

export interface CatalogResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The body, or the JSON-RPC response in an event stream; empty when there is none. */
  readonly message: Buffer
}

export interface Exchange {
  /** Sends one request to the endpoint. Throws CatalogError. */
  send (request: CatalogRequest): Promise<CatalogResponse>
  close (): Promise<void>
}

const NOTHING = Buffer.alloc(0)

/** Returns what sends requests to the endpoint of an upstream, as the gateway would, within limits. */
export function openExchange (upstream: Upstream, path: string, limits: CatalogLimits): Exchange {
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), limits.ms)
  let requestsLeft = limits.requests
  let bytesLeft = limits.bytes

  function send ({ method, headers, body, id }: CatalogRequest): Promise<CatalogResponse> {
    return new Promise((resolve, reject) => {
      if (requestsLeft-- <= 0) throw new CatalogError(`it takes more than ${limits.requests} requests`)
      let control: RequestControl | undefined
      const done = (response: CatalogResponse): void => {
        over.signal.removeEventListener('abort', expire)
        resolve(response)
      }
      const fail = (message: string): void => {
        over.signal.removeEventListener('abort', expire)
        control?.abort()
        reject(new CatalogError(message))
      }
      const expire = (): void => fail(`it takes more than ${limits.ms} ms`)
      if (over.signal.aborted) return expire()
      over.signal.addEventListener('abort', expire)
      const request = { method, path, headers, longLived: false }
      upstream.send(body === undefined ? request : { ...request, body: Buffer.from(body) }, (given) => {
        control = given
        const count = (length: number): void => {
          bytesLeft -= length
          if (bytesLeft < 0) throw new CatalogError(`it sends more than ${limits.bytes} bytes`)
        }
        return receive({ id, maxBytes: limits.bytes, count, done, fail, abort: given.abort })
      })
    })
  }

  return {
    send,
    async close () {
      clearTimeout(timer)
      await upstream.close()
    }
  }
}

interface Receiving {
  /** Of the request; undefined when only the head of an event stream counts. */
  readonly id: number | undefined
  readonly maxBytes: number
  /** Throws when there are too many. */
  count (length: number): void
  done (response: CatalogResponse): void
  fail (message: string): void
  abort (): void
}

function receive ({ id, maxBytes, count, done, fail, abort }: Receiving): ResponseReceiver {
  const held = holdBytes(maxBytes)
  let head = { status: 0, headers: {} as IncomingHttpHeaders }
  let take = (chunk: Buffer): void => held.append(chunk)

  /** What the parser or the count throws ends the exchange. */
  function attempt (act: () => void): void {
    try {
      act()
    } catch (error) {
      fail((error as Error).message)
    }
  }

  /** The stream may go on for ever. */
  function stopStream (message: Buffer): void {
    done({ ...head, message })
    abort()
  }

  return {
    onResponse (status, headers) {
      head = { status, headers }
      if (!isEventStream(headers)) return
      if (id === undefined) return stopStream(NOTHING)
      const events = editEvents(({ data }) => {
        if (isResponseTo(parseMessage(data), id)) stopStream(Buffer.from(data))
        return data
      }, maxBytes, () => {})
      take = events.push
    },
    onData (chunk) {
      attempt(() => {
        count(chunk.length)
        take(chunk)
      })
      return true
    },
    onEnd: () => done({ ...head, message: held.take() }),
    onFailure: ({ kind, reason }) => fail(`${kind}: ${reason}`)
  }
}
