import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { listen, stopListening } from '../../demo/listen.js'
import type { Closing } from '../helpers/closing.js'

/** Stands in front of the gateway and adds what the suite cannot send: an access token. */
export interface Hop {
  /** `http://127.0.0.1:port` */
  readonly origin: string
  /** From now on requests go to this origin with this token; before, they fail. */
  forwardTo (origin: string, token: string): void
}

/**
 * Starts a hop on a free loopback port. All else passes as it came, `Host` and `Origin` included: the gateway has to judge
 * them as the client sent them.
 */
export async function startHop (closing: Closing): Promise<Hop> {
  let forward = (_request: IncomingMessage, response: ServerResponse): void => { response.writeHead(503).end() }
  const server = createServer((request, response) => forward(request, response))
  const port = await listen(server, { host: '127.0.0.1', port: 0, purpose: 'hop' })
  closing.after(() => stopListening(server))
  return {
    origin: `http://127.0.0.1:${port}`,
    forwardTo (origin, token) { forward = forwarder(origin, token) }
  }
}

function forwarder (origin: string, token: string): (request: IncomingMessage, response: ServerResponse) => void {
  const { hostname, port } = new URL(origin)
  return (request, response) => {
    const { method, url: path, rawHeaders } = request
    const onward = send({ hostname, port, method, path, headers: [...rawHeaders, 'Authorization', `Bearer ${token}`] }, (answer) => {
      response.writeHead(answer.statusCode as number, answer.rawHeaders).flushHeaders()
      pipeline(answer, response, () => {})
    })
    response.once('close', () => onward.destroy())
    pipeline(request, onward, (error) => { if (error) response.destroy() })
  }
}
