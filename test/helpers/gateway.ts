import { Writable } from 'node:stream'
import type { Test } from 'tap'
import { systemClock, type Clock } from '../../src/clock.js'
import { startServer, type RunningServer } from '../../src/server.js'
import { createServices, type Services } from '../../src/services.js'
import { openLogger, SILENT } from '../../src/telemetry/logger.js'
import { configFor, POLICY } from './configuration.js'
import type { LogLine } from './process.js'

export interface TestGatewayOptions {
  /** The upstream's MCP endpoint. */
  readonly upstream: string
  readonly issuer: string
  /** More members of the configuration file. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Path of the resource; default `/mcp`. */
  readonly path?: string
  readonly clock?: Clock
  /** Default: `info`. */
  readonly logLevel?: string
}

/** A whole gateway on a loopback port, in this process. */
export interface TestGateway {
  /** The resource identifier, and the URL of the MCP endpoint. */
  readonly resource: string
  readonly origin: string
  /** What it logged, parsed. */
  readonly log: LogLine[]
  /** Resolves with the first line, past or future, that fits. */
  logged (fits: (line: LogLine) => boolean): Promise<LogLine>
  /** Posts a message (an object is serialised) to the endpoint. */
  post (
    token: string | undefined, message: unknown, init?: RequestInit & { path?: string }
  ): Promise<Response>
  /** Swaps in other members of the configuration. */
  reload (config: Readonly<Record<string, unknown>>): Promise<void>
  stop (lameDuckMs?: number): Promise<void>
}

const SESSION_KEY = 'k'.repeat(32)

/**
 * Starts a gateway and stops it after the test. The port is known only once it listens, and the
 * resource holds the port: so the real configuration is reloaded into it.
 */
export async function startGateway (t: Test, options: TestGatewayOptions): Promise<TestGateway> {
  const { upstream, issuer, path = '/mcp', clock = systemClock, config: first = {}, logLevel = 'info' } = options
  const { sink, log, logged } = openLog()
  const complete = (
    resource: string, more: Readonly<Record<string, unknown>>
  ): ReturnType<typeof configFor> =>
    configFor({ resource, upstream, authorizationServers: [issuer], policy: POLICY, ...more })
  const logger = openLogger(logLevel, sink)
  const services = createServices({ logger, sessionKey: SESSION_KEY, clock })
  const server = await startServer(complete(`http://127.0.0.1:1${path}`, first), services)
  t.after(() => server.stop())
  const resource = server.url + path
  await server.reload(complete(resource, first))
  return {
    resource,
    origin: server.url,
    log,
    logged,
    post: (token, message, { path: at = '', ...init } = {}) => post(resource + at, token, message, init),
    reload: (config) => server.reload(complete(resource, config)),
    stop: (lameDuckMs) => server.stop(lameDuckMs)
  }
}

/** The header of a request that posts a message (Streamable HTTP). */
export const POST_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream'
} as const

/** Posts a message (an object is serialised) to an MCP endpoint. */
export function post (
  url: string, token: string | undefined, message: unknown, init: RequestInit = {}
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body: typeof message === 'string' ? message : JSON.stringify(message),
    ...init,
    headers: {
      ...POST_HEADERS,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...init.headers as Record<string, string>
    }
  })
}

/** Returns a stream for a log, and what was written to it. */
function openLog (): Pick<TestGateway, 'log' | 'logged'> & { readonly sink: Writable } {
  const log: LogLine[] = []
  const waiting = new Set<(line: LogLine) => void>()
  const sink = new Writable({
    write (chunk: Buffer, _encoding, done) {
      for (const text of chunk.toString().split('\n').filter(Boolean)) {
        const line = JSON.parse(text) as LogLine
        log.push(line)
        for (const wait of waiting) wait(line)
      }
      done()
    }
  })
  const logged: TestGateway['logged'] = (fits) => new Promise((resolve) => {
    const found = log.find(fits)
    if (found !== undefined) return resolve(found)
    const wait = (line: LogLine): void => {
      if (!fits(line)) return
      waiting.delete(wait)
      resolve(line)
    }
    waiting.add(wait)
  })
  return { sink, log, logged }
}

/** Returns the services of a gateway that logs nothing. */
export function silentServices (more: Partial<Parameters<typeof createServices>[0]> = {}): Services {
  return createServices({ logger: SILENT, sessionKey: SESSION_KEY, ...more })
}

/**
 * Starts a gateway for a whole configuration file, and stops it after the test. Resources need not name its
 * real port, because nothing is derived from it (R6).
 */
export async function startConfigured (
  t: Test, file: unknown, clock: Clock = systemClock
): Promise<RunningServer> {
  const server = await startServer(configFor(file), silentServices({ clock }))
  t.after(() => server.stop())
  return server
}

/** A `tools/call` request. */
export function toolCall (
  name: string, args: Readonly<Record<string, unknown>> = {}, id: unknown = 1
): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }
}
