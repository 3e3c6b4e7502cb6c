import type { Test } from 'tap'
import type { Clock } from '../../src/clock.js'
import { startGateway, type TestGateway } from './gateway.js'
import { startIssuer, type TestIssuer } from './issuer.js'
import { headerLines, type RawRequest, type RawResponse, send } from './raw-http.js'
import { type Answer, startUpstream, type TestUpstream } from './upstream.js'

export interface SceneOptions {
  /** More members of the configuration file. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Path of the resource; default `/mcp`. */
  readonly path?: string
  /** Path of the upstream's endpoint; default `/inner`. */
  readonly upstreamPath?: string
  /** Origin of an upstream that the test has started; default: one of its own. */
  readonly upstreamOrigin?: string
  readonly answer?: Answer
  readonly clock?: Clock
  /** Of the gateway; default `info`. */
  readonly logLevel?: string
}

/** A gateway that works, a token for it, and what the upstream sees of what gets through. */
export interface Scene {
  readonly issuer: TestIssuer
  readonly upstream: TestUpstream
  readonly gateway: TestGateway
  /** A token that the resource accepts, with both todo scopes. */
  readonly token: string
  /** A token that the resource accepts, with only `todo:read`. */
  readonly readToken: string
  tokenWith (claims: Record<string, unknown>): Promise<string>
  /** Sends a request as it stands to the gateway, with the token. */
  send (request: RawRequest): Promise<RawResponse>
}

/** Starts an authorization server, an upstream that remembers what reached it, and a gateway between them. */
export async function startScene (t: Test, options: SceneOptions = {}): Promise<Scene> {
  const { clock, path, config, logLevel, upstreamPath = '/inner' } = options
  const issuer = await startIssuer(t, clock === undefined ? {} : { now: clock.now })
  const upstream = await startUpstream(t, options.answer)
  const gateway = await startGateway(t, {
    upstream: (options.upstreamOrigin ?? upstream.origin) + upstreamPath,
    issuer: issuer.issuer,
    ...(path === undefined ? {} : { path }),
    ...(config === undefined ? {} : { config }),
    ...(clock === undefined ? {} : { clock }),
    ...(logLevel === undefined ? {} : { logLevel })
  })
  const tokenWith = (claims: Record<string, unknown>): Promise<string> => {
    return issuer.token({ aud: gateway.resource, ...claims })
  }
  const token = await tokenWith({})
  return {
    issuer,
    upstream,
    gateway,
    token,
    readToken: await tokenWith({ scope: 'todo:read' }),
    tokenWith,
    send: (request) => send(gateway.origin, { ...request, headers: [...headerLines(request.headers ?? {}), `Authorization: Bearer ${token}`] })
  }
}
