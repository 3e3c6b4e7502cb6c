import { randomUUID } from 'node:crypto'
import {
  Client as ModernClient,
  SSEClientTransport as ModernSseTransport,
  StreamableHTTPClientTransport as ModernTransport,
  UnauthorizedError as ModernUnauthorized,
  type FetchLike,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens
} from '@modelcontextprotocol/client'
import { UnauthorizedError as V1Unauthorized } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport as V1SseTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import {
  StreamableHTTPClientTransport as V1Transport
} from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Closing } from './closing.js'
import { createBrowser } from './oauth-browser.js'

interface KnownClient { readonly issuer: string, readonly id: string, readonly scope: string }

export interface ConnectOptions {
  /** What the person grants at the first authorization; default: all that the client asks for. */
  readonly scope?: string
  /** Who signs in, at an authorization server with autoLogin; default: its own choice. */
  readonly subject?: string
  /** Register for refresh tokens, which makes 2.x clients ask for `offline_access`. Default false. */
  readonly refresh?: boolean
  /** Its client id, if it was registered by hand, and the scopes that it asks for when it is told none. */
  readonly known?: KnownClient | undefined
  /** `sse` is the transport of revision 2024-11-05, for the legacy clients. Default: streamable HTTP. */
  readonly transport?: 'http' | 'sse'
  /** Replaces fetch for every request of the client, for example to record them. */
  readonly fetch?: FetchLike
}

/** What the client did at the authorization server so far. */
export interface Authorization {
  /** The current access token; throws when there is none. */
  accessToken (): string
  tokens (): OAuthTokens | undefined
  /** Authorization requests in order, as the client built them. The second one is a step-up. */
  readonly requests: readonly URL[]
  /** Client ids registered. */
  readonly registrations: readonly string[]
}

export interface ToolResult {
  readonly content: readonly unknown[]
  readonly structuredContent?: unknown
  readonly isError?: boolean | undefined
}

/** A connected official client. `callTool` and `listTools` complete a step-up when they are challenged. */
export interface ConnectedClient<Client> {
  readonly client: Client
  readonly authorization: Authorization
  /** Throws what the official client throws, an UnauthorizedError excepted. */
  callTool (name: string, args?: Record<string, unknown>): Promise<ToolResult>
  listTools (): Promise<string[]>
}

/** Connects the 2.x client pinned to revision 2026-07-28; it logs in when the server asks for it. */
export function connectModernClient (
  t: Closing, url: string, options: ConnectOptions = {}
): Promise<ConnectedClient<ModernClient>> {
  return connectV2(t, url, { pin: '2026-07-28' }, options)
}

/** Connects the 2.x client in the legacy era (initialize, at most 2025-11-25). */
export function connectLegacyClient (
  t: Closing, url: string, options: ConnectOptions = {}
): Promise<ConnectedClient<ModernClient>> {
  return connectV2(t, url, 'legacy', options)
}

async function connectV2 (
  t: Closing, url: string, mode: 'legacy' | { pin: string }, options: ConnectOptions
): Promise<ConnectedClient<ModernClient>> {
  const flow = createFlow(options)
  const info = { name: 'postern-test', version: '1.0.0' }
  const client = new ModernClient(info, { versionNegotiation: { mode } })
  t.after(() => client.close())
  const { transport, run } = createRunner((error) => error instanceof ModernUnauthorized, {
    create: () => new (options.transport === 'sse' ? ModernSseTransport : ModernTransport)(new URL(url), {
      authProvider: flow.provider,
      ...fetchOption(options)
    }),
    finish: (transport) => transport.finishAuth(flow.takeCallback())
  })
  await run(() => client.connect(transport()), { reconnect: true })
  return {
    client,
    authorization: flow.authorization,
    callTool: (name, args = {}) => run(() => client.callTool({ name, arguments: args })),
    listTools: async () => (await run(() => client.listTools())).tools.map((tool) => tool.name)
  }
}

/**
 * Connects the client of the 1.x SDK (legacy era). Its step-up asks for the challenge's scopes only, not for
 * those it had.
 */
export async function connectV1Client (
  t: Closing, url: string, options: ConnectOptions = {}
): Promise<ConnectedClient<V1Client>> {
  const flow = createFlow(options)
  const client = new V1Client({ name: 'postern-test', version: '1.0.0' })
  t.after(() => client.close())
  const { transport, run } = createRunner((error) => error instanceof V1Unauthorized, {
    create: () => new (options.transport === 'sse' ? V1SseTransport : V1Transport)(new URL(url), {
      authProvider: flow.provider,
      ...fetchOption(options)
    }),
    finish: (transport) => transport.finishAuth(flow.takeCallback().get('code') ?? '')
  })
  await run(async () => {
    await client.close() // after a refused stream it still holds the transport
    // The SDK's own types disagree with each other under exactOptionalPropertyTypes.
    await client.connect(transport() as Parameters<V1Client['connect']>[0])
  }, { reconnect: true })
  return {
    client,
    authorization: flow.authorization,
    callTool: async (name, args = {}) => await run(
      () => client.callTool({ name, arguments: args })
    ) as ToolResult,
    listTools: async () => (await run(() => client.listTools())).tools.map((tool) => tool.name)
  }
}

function fetchOption ({ fetch }: ConnectOptions): { fetch?: FetchLike } {
  return fetch === undefined ? {} : { fetch }
}

interface Transports<Transport> {
  create (): Transport
  /** Redeems the authorization code that the browser brought back. */
  finish (transport: Transport): Promise<void>
}

interface Runner<Transport> {
  transport (): Transport
  run<Result>(operation: () => Promise<Result>, options?: { reconnect: boolean }): Promise<Result>
}

const maxAuthorizations = 2

/**
 * Repeats an operation after each authorization that the client broke off for, as the SDKs' documentation
 * asks hosts to.
 */
function createRunner<Transport> (
  isUnauthorized: (error: unknown) => boolean, transports: Transports<Transport>
): Runner<Transport> {
  let transport = transports.create()
  return {
    transport: () => transport,
    async run (operation, options) {
      for (let authorizations = 0; ; authorizations++) {
        try {
          return await operation()
        } catch (error) {
          if (!isUnauthorized(error) || authorizations === maxAuthorizations) throw error
          await transports.finish(transport)
          // A transport that has been started cannot be started again.
          if (options?.reconnect === true) transport = transports.create()
        }
      }
    }
  }
}

const redirectUrl = 'http://localhost:9876/callback'

interface Flow {
  readonly provider: OAuthClientProvider
  readonly authorization: Authorization
  /** The parameters that the last redirect brought back; throws when there was none. */
  takeCallback (): URLSearchParams
}

interface Stored {
  client?: StoredOAuthClientInformation
  tokens?: StoredOAuthTokens | undefined
  verifier?: string
  discovery?: OAuthDiscoveryState
  state?: string
  callback?: URLSearchParams | undefined
}

/**
 * Returns an OAuthClientProvider for both SDKs, which keeps everything in memory and sends a browser where a
 * person would go.
 */
function createFlow (options: ConnectOptions): Flow {
  const { known } = options
  const stored: Stored = known === undefined
    ? {}
    : { client: { client_id: known.id, issuer: known.issuer } }
  const requests: URL[] = []
  const registrations: string[] = []
  const browser = createBrowser()

  const provider: OAuthClientProvider = {
    redirectUrl,
    clientMetadata: describeClient(options),
    state: () => (stored.state = randomUUID()),
    clientInformation: () => stored.client,
    saveClientInformation (client) {
      if (stored.client?.client_id !== client.client_id) registrations.push(client.client_id)
      stored.client = client
    },
    tokens: () => stored.tokens,
    saveTokens (tokens) { stored.tokens = tokens },
    saveCodeVerifier (verifier) { stored.verifier = verifier },
    codeVerifier: () => stored.verifier ?? '',
    saveDiscoveryState (discovery) { stored.discovery = discovery },
    discoveryState: () => stored.discovery,
    invalidateCredentials () { stored.tokens = undefined },
    async redirectToAuthorization (url) {
      requests.push(new URL(url))
      stored.callback = await browser.authorize(decide(url, requests.length, options), redirectUrl)
      if (stored.callback.get('state') !== stored.state) {
        throw new Error('the authorization server changed the state')
      }
    }
  }

  return {
    provider,
    authorization: {
      requests,
      registrations,
      tokens: () => stored.tokens,
      accessToken: () => stored.tokens?.access_token ?? fail('there is no access token yet')
    },
    takeCallback () {
      const callback = stored.callback ?? fail('the browser has not been sent to the authorization server')
      stored.callback = undefined
      const error = callback.get('error')
      if (error === null) return callback
      return fail(`authorization refused: ${error} (${callback.get('error_description')})`)
    }
  }
}

function describeClient ({ refresh = false, known }: ConnectOptions): OAuthClientMetadata {
  return {
    client_name: 'Postern test client',
    redirect_uris: [redirectUrl],
    token_endpoint_auth_method: 'none',
    response_types: ['code'],
    grant_types: refresh ? ['authorization_code', 'refresh_token'] : ['authorization_code'],
    ...known === undefined ? {} : { scope: known.scope }
  }
}

/**
 * Returns the URL as the browser opens it: with who signs in, and with less scope when the person grants
 * less.
 */
function decide (url: URL, count: number, { scope, subject }: ConnectOptions): URL {
  const decided = new URL(url)
  if (subject !== undefined) decided.searchParams.set('login_hint', subject)
  if (scope !== undefined && count === 1) decided.searchParams.set('scope', scope)
  return decided
}

function fail (message: string): never {
  throw new Error(message)
}
