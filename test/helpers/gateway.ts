import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Test } from 'tap'
import { configFrom } from '../../src/config/complete.js'
import { systemClock, type Clock } from '../../src/clock.js'
import { createServices } from '../../src/services.js'
import { startServer } from '../../src/server.js'
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
  post (token: string | undefined, message: unknown, init?: RequestInit & { path?: string }): Promise<Response>
  /** Swaps in other members of the configuration. */
  reload (config: Readonly<Record<string, unknown>>): Promise<void>
  stop (): Promise<void>
}

const DEFAULT_POLICY = { tools: { list_todos: 'todo:read', get_todo: 'todo:read', '*_todo': 'todo:write' } }

/**
 * Starts a gateway and stops it after the test. The port is known only once it listens, and the
 * resource holds the port: so the real configuration is reloaded into it.
 */
export async function startGateway (t: Test, options: TestGatewayOptions): Promise<TestGateway> {
  const { upstream, issuer, path = '/mcp', clock = systemClock } = options
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
  const fileFor = (resource: string, more: Readonly<Record<string, unknown>>): unknown =>
    ({ resource, upstream, authorizationServers: [issuer], policy: DEFAULT_POLICY, ...more })
  const settings = { host: '127.0.0.1', port: 0, logLevel: 'debug' }
  const services = createServices({ logger: pino({ level: 'debug', base: null }, sink), sessionKey: 'k'.repeat(32), clock })
  const first = options.config ?? {}
  const server = await startServer(configFrom(fileFor(`http://127.0.0.1:1${path}`, first), settings), services)
  t.after(() => server.stop())
  const resource = server.url + path
  await server.reload(configFrom(fileFor(resource, first), settings))
  return {
    resource,
    origin: server.url,
    log,
    logged: (fits) => new Promise((resolve) => {
      const found = log.find(fits)
      if (found !== undefined) return resolve(found)
      const wait = (line: LogLine): void => {
        if (!fits(line)) return
        waiting.delete(wait)
        resolve(line)
      }
      waiting.add(wait)
    }),
    post: (token, message, { path: at = '', ...init } = {}) => fetch(resource + at, {
      method: 'POST',
      body: typeof message === 'string' ? message : JSON.stringify(message),
      ...init,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...init.headers as Record<string, string>
      }
    }),
    reload: (config) => server.reload(configFrom(fileFor(resource, config), settings)),
    stop: () => server.stop()
  }
}

/** A `tools/call` request. */
export function toolCall (name: string, args: Readonly<Record<string, unknown>> = {}, id: unknown = 1): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }
}
