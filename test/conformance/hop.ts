import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { listen, stopListening } from '../../demo/listen.js'
import type { Closing } from '../helpers/closing.js'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Stands in front of the gateway and adds an access token, which the suite cannot send. */
export interface Hop {
  /** `http://127.0.0.1:port` */
  readonly origin: string
  /** Sends later requests to this origin with this token. Before that, requests fail. */
  forwardTo (origin: string, token: string): void
}

/**
 * Starts a hop on a free loopback port. Everything else passes unchanged, including `Host` and `Origin`:
 * the gateway must see them as the client sent them.
 */
export async function startHop (closing: Closing): Promise<Hop> {
  let forward: Handler = (_request, response) => { response.writeHead(503).end() }
  const server = createServer((request, response) => forward(request, response))
  const port = await listen(server, { host: '127.0.0.1', port: 0, purpose: 'hop' })
  closing.after(() => stopListening(server))
  return {
    origin: `http://127.0.0.1:${port}`,
    forwardTo (origin, token) { forward = createForwarder(origin, token) }
  }
}

function createForwarder (origin: string, token: string): Handler {
  const { hostname, port } = new URL(origin)
  return (request, response) => {
    const { method, url: path, rawHeaders } = request
    const headers = [...rawHeaders, 'Authorization', `Bearer ${token}`]
    const onward = send({ hostname, port, method, path, headers }, (upstreamResponse) => {
      response.writeHead(upstreamResponse.statusCode as number, upstreamResponse.rawHeaders).flushHeaders()
      pipeline(upstreamResponse, response, () => {})
    })
    response.once('close', () => onward.destroy())
    pipeline(request, onward, (error) => { if (error) response.destroy() })
  }
}
