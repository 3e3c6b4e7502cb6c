import { generateKeyPair, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { promisify } from 'node:util'
// Not the package's main module: it prints a notice about the version of Node when it loads.
import { Provider, type Client, type Context } from 'oidc-provider/lib/provider.js'
import { answerConsent, consentPath } from './authorization-server/consent.js'
import { createConfiguration, describeResourceServer } from './authorization-server/configuration.js'
import { findResource, type TokenResource } from './authorization-server/token-resource.js'
import { listen, stopListening } from './listen.js'

export interface AuthorizationServerOptions {
  /** Default 127.0.0.1: anybody can sign in as anybody here. */
  readonly host?: string
  /** 0 takes any free port. */
  readonly port: number
  /** Default `http://localhost:<port>`. All published URLs start with it, whatever `Host` a request names. */
  readonly issuer?: string
  readonly resources: readonly TokenResource[]
  /** For tests: sign in as `login_hint` (default `demo`) and grant everything, without a page. */
  readonly autoLogin?: boolean
  /** Clients besides the registered ones and the built-in one, as client metadata (RFC 7591 §2). */
  readonly clients?: readonly Readonly<Record<string, unknown>>[]
  /** Secret of the built-in client `postern-demo`; default: random. */
  readonly clientSecret?: string
  /** Gets a line per event; never a token. */
  readonly log?: (line: string) => void
}

export interface TokenRequest {
  readonly resource: string
  readonly scopes: readonly string[]
  /** Default: the client itself, as with client credentials. */
  readonly subject?: string
  /** Default: the built-in client. */
  readonly clientId?: string
  /** Default: the resource's. */
  readonly expiresInSeconds?: number
}

export interface AuthorizationServer {
  readonly issuer: string
  /** The port that it listens on; the issuer may name another. */
  readonly port: number
  /** The credentials of the built-in client, which may use client credentials and introspection. */
  readonly clientCredentials: { readonly clientId: string, readonly clientSecret: string }
  /** Issues an access token without a request. Throws for an unknown resource or client. */
  issueToken (request: TokenRequest): Promise<string>
  /** Adds a protected resource whose URL was not known before. */
  addResource (resource: TokenResource): void
  close (): Promise<void>
}

/**
 * Starts an OAuth 2.1 authorization server with keys of its own: metadata (RFC 8414 and OpenID
 * Connect Discovery), dynamic registration, authorization code with PKCE and a consent page,
 * refresh tokens with `offline_access`, client credentials, resource indicators, introspection.
 * Everything is in memory. Throws PortTaken when the port is in use.
 */
export async function startAuthorizationServer (
  options: AuthorizationServerOptions
): Promise<AuthorizationServer> {
  const { host = '127.0.0.1', port, log = () => {} } = options
  const clientId = 'postern-demo'
  const clientCredentials = { clientId, clientSecret: options.clientSecret ?? randomSecret() }
  const resources = [...options.resources]
  const signingKey = await generateSigningKey()

  const server = createServer()
  const boundPort = await listen(server, { host, port, purpose: 'authorization server' })
  const issuer = options.issuer ?? `http://localhost:${boundPort}`
  const provider: Provider = new Provider(issuer, createConfiguration({
    resources,
    jwks: { keys: [signingKey] },
    cookieKey: randomSecret(),
    clients: [describeOwnClient(clientCredentials), ...options.clients ?? []],
    findGrant: (id) => provider.Grant.find(id)
  }))
  provider.silent = true
  logEvents(provider, log)
  server.on('request', createListener(provider, resources, options.autoLogin ?? false))

  return {
    issuer,
    port: boundPort,
    clientCredentials,
    issueToken: (request) => issueToken(provider, resources, { clientId, ...request }),
    addResource: (resource) => { resources.push(resource) },
    close: () => stopListening(server)
  }
}

type ClientCredentials = AuthorizationServer['clientCredentials']

function describeOwnClient ({ clientId, clientSecret }: ClientCredentials): Record<string, unknown> {
  return {
    client_id: clientId,
    client_secret: clientSecret,
    client_name: 'Postern demo',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: []
  }
}

async function generateSigningKey (): Promise<object> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const kid = randomBytes(8).toString('hex')
  return { ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid }
}

function randomSecret (): string {
  return randomBytes(32).toString('base64url')
}

function logEvents (provider: Provider, log: (line: string) => void): void {
  // Any client can register any name: quoted, it cannot forge lines.
  const name = (client: Client | undefined): string => JSON.stringify(client?.clientName ?? client?.clientId)
  provider.on('registration_create.success', (_context, client) => {
    log(`registered client ${name(client as Client)}`)
  })
  provider.on('grant.success', ({ oidc }: Context) => {
    log(`issued an access token to ${name(oidc.entities.Client)}`)
  })
  provider.on('server_error', (_context, error) => { log(`failed: ${String(error)}`) })
}

function createListener (
  provider: Provider, resources: readonly TokenResource[], autoLogin: boolean
): RequestListener {
  const handle = provider.callback()
  const consent = { provider, resources, autoLogin }
  const issuerHost = new URL(provider.issuer).host

  return (request, response) => {
    // oidc-provider builds the URLs in its metadata from `Host`, which any client can choose.
    request.headers.host = issuerHost
    const path = request.url?.split('?')[0] ?? ''
    if (path === '/health') return sendHealth(response)
    if (path === '/reg' && allowAnyOrigin(request, response)) return
    if (path === '/auth') askForEveryScope(request, resources)
    if (path.startsWith(consentPath)) return answerConsent(consent, request, response)
    return handle(request, response)
  }
}

function sendHealth (response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"healthy"}')
}

/**
 * Lets web pages register: registration is the one endpoint that oidc-provider has no CORS for.
 * Returns whether the request is answered.
 */
function allowAnyOrigin (request: IncomingMessage, response: ServerResponse): boolean {
  response.setHeader('access-control-allow-origin', '*')
  if (request.method !== 'OPTIONS') return false
  response.writeHead(204, {
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'content-type, mcp-protocol-version'
  }).end()
  return true
}

/**
 * Adds the default scope to an authorization request without `scope` (RFC 6749 §3.3): every scope of
 * the resource. The consent page shows them.
 */
function askForEveryScope (request: IncomingMessage, resources: readonly TokenResource[]): void {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const only = resources.length === 1 ? resources[0]?.resource : undefined
  const indicator = url.searchParams.get('resource') ?? only
  const resource = indicator === undefined ? undefined : findResource(resources, indicator)
  if (resource === undefined || url.searchParams.has('scope')) return
  url.searchParams.set('scope', resource.scopes.join(' '))
  request.url = url.pathname + url.search
}

async function issueToken (
  provider: Provider,
  resources: readonly TokenResource[],
  request: TokenRequest & { readonly clientId: string }
): Promise<string> {
  const resource = findResource(resources, request.resource)
  if (resource === undefined) throw new Error(`unknown resource: ${request.resource}`)
  const client = await provider.Client.find(request.clientId)
  if (client === undefined) throw new Error(`unknown client: ${request.clientId}`)

  const properties = {
    client,
    resourceServer: new provider.ResourceServer(resource.resource, describeResourceServer(resource)),
    scope: request.scopes.join(' '),
    expiresIn: request.expiresInSeconds ?? resource.tokenSeconds ?? 3600
  }
  const token = request.subject === undefined
    ? new provider.ClientCredentials(properties)
    : new provider.AccessToken({ ...properties, accountId: request.subject })
  return await token.save()
}
