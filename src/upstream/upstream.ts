import type { IncomingHttpHeaders } from 'node:http'
import type { UpstreamFailure } from './failure.js'

/** A request as it is sent to the upstream. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  /** Path and query. */
  readonly path: string
  readonly headers: Record<string, string | string[]>
  readonly body?: Buffer
  /** Asks for a stream that may be quiet for long: its response header has no time limit (F7). */
  readonly longLived: boolean
}

/** Takes a response as it arrives. Nothing follows `onEnd` and `onFailure`. */
export interface ResponseReceiver {
  onResponse (status: number, headers: IncomingHttpHeaders): void
  /** Returns false to pause the upstream until `resume`. */
  onData (chunk: Buffer): boolean
  onEnd (): void
  onFailure (failure: UpstreamFailure): void
}

/** Controls one request on its way. */
export interface RequestControl {
  resume (): void
  /** Cancels the request at once. The receiver hears nothing more (F5). */
  abort (): void
  /** When the request was sent, in milliseconds since the epoch; only of an upstream that is observed. */
  readonly sentAt?: number
}

/** The MCP server behind one protected resource, wherever it listens. */
export interface Upstream {
  readonly origin: string
  /** `host[:port]`, the value of `Host` (F1). */
  readonly authority: string
  /** Sends a request at most once (F6). `receive` gets the control before anything is sent. */
  send (request: UpstreamRequest, receive: (control: RequestControl) => ResponseReceiver): void
  close (): Promise<void>
}
