import { pino } from 'pino'
import type { Test } from 'tap'
import { configFrom } from '../../src/config/complete.js'
import { systemClock, type Clock } from '../../src/clock.js'
import { createServices } from '../../src/services.js'
import { startServer, type RunningServer } from '../../src/server.js'
import { startGateway, type TestGateway } from '../helpers/gateway.js'
import { startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { send, type RawAnswer, type RawRequest } from '../helpers/raw-http.js'
import { startUpstream, type Answer, type TestUpstream } from '../helpers/upstream.js'

export interface SetUpOptions {
  readonly config?: Readonly<Record<string, unknown>>
  /** Path of the resource; default `/mcp`. */
  readonly path?: string
  /** Path of the upstream's endpoint; default `/inner`. */
  readonly upstreamPath?: string
  /** Origin of an upstream that the test has started; default: one of its own. */
  readonly upstreamOrigin?: string
  readonly answer?: Answer
  readonly clock?: Clock
}

export interface SetUp {
  readonly issuer: TestIssuer
  readonly upstream: TestUpstream
  readonly gateway: TestGateway
  /** A token for the resource with both todo scopes. */
  readonly token: string
  tokenWith (claims: Record<string, unknown>): Promise<string>
  /** Sends a request as it stands to the gateway, with the token. */
  send (request: RawRequest): Promise<RawAnswer>
}

/** Starts issuer, upstream and gateway. */
export async function setUp (t: Test, options: SetUpOptions = {}): Promise<SetUp> {
  const { clock, path, config, upstreamPath = '/inner' } = options
  const issuer = await startIssuer(t, clock === undefined ? {} : { now: clock.now })
  const upstream = await startUpstream(t, options.answer)
  const gateway = await startGateway(t, {
    upstream: (options.upstreamOrigin ?? upstream.origin) + upstreamPath,
    issuer: issuer.issuer,
    ...(path === undefined ? {} : { path }),
    ...(config === undefined ? {} : { config }),
    ...(clock === undefined ? {} : { clock })
  })
  const tokenWith = (claims: Record<string, unknown>): Promise<string> => issuer.token({ aud: gateway.resource, ...claims })
  const token = await tokenWith({})
  return {
    issuer,
    upstream,
    gateway,
    token,
    tokenWith,
    send: (request) => send(gateway.origin, { ...request, headers: withToken(request.headers ?? {}, token) })
  }
}

function withToken (headers: NonNullable<RawRequest['headers']>, token: string): NonNullable<RawRequest['headers']> {
  return Array.isArray(headers) ? [...headers as readonly string[], 'Authorization', `Bearer ${token}`] : { ...headers as Record<string, string>, Authorization: `Bearer ${token}` }
}

/** A promise with its resolver, for handing events from one side of the gateway to the other. */
export function defer<Value = void> (): { readonly promise: Promise<Value>, resolve (value: Value): void } {
  let resolve!: (value: Value) => void
  const promise = new Promise<Value>((_resolve) => { resolve = _resolve })
  return { promise, resolve }
}

/** The part of a configuration file that a server needs besides its resource, with nothing behind it. */
export const UNREACHABLE_SERVER = {
  upstream: 'http://127.0.0.1:9/mcp',
  authorizationServers: ['http://127.0.0.1:9'],
  policy: { tools: { '*': true } }
} as const

/** Starts a gateway for a whole configuration file; resources need not name its real port, for nothing is derived from it (R6). */
export async function startConfigured (t: Test, file: unknown, clock: Clock = systemClock): Promise<RunningServer> {
  const services = createServices({ logger: pino({ level: 'silent' }), sessionKey: 'k'.repeat(32), clock })
  const server = await startServer(configFrom(file, { host: '127.0.0.1', port: 0, logLevel: 'debug' }), services)
  t.after(() => server.stop())
  return server
}
