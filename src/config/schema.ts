import Type from 'typebox'
import type { Static, TSchema } from 'typebox'
import { DEFAULTS } from './defaults.js'
import { authorizationServers } from './schema-authorization-server.js'
import { policy } from './schema-policy.js'
import { audience, closed, scope, url } from './schema-terms.js'

/** Longest delay that a Node timer can hold. */
const MAX_TIMER_MS = 2_147_483_647

const serverLimits = {
  bodyBytes: Type.Optional(Type.Integer({
    minimum: 1,
    maximum: 268_435_456,
    default: DEFAULTS.bodyBytes,
    description: 'Largest request body in bytes; a larger one is refused with 413.'
  })),
  upstreamTimeoutMs: Type.Optional(Type.Integer({
    minimum: 1,
    maximum: MAX_TIMER_MS,
    default: DEFAULTS.upstreamTimeoutMs,
    description: 'How long the upstream may take until its response header, in milliseconds; then 504. A stream that has begun is not cut.'
  }))
}

const processLimits = {
  connections: Type.Optional(Type.Integer({
    minimum: 1,
    description: 'Client connections that may be open at once; unlimited when absent. Only at the top level.'
  })),
  headerBytes: Type.Optional(Type.Integer({
    minimum: 1024,
    maximum: 1_048_576,
    default: DEFAULTS.headerBytes,
    description: 'Largest request header section in bytes, the access token included, which alone may be 16384 bytes long. Only at the top level.'
  })),
  drainMs: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: MAX_TIMER_MS,
    default: DEFAULTS.drainMs,
    description: 'How long requests under way may take to finish at shutdown, in milliseconds; a reload cuts nothing off. Only at the top level.'
  }))
}

const LIMITS_DESCRIPTION = 'Sizes and times.'

const identityHeader = (name: string, what: string) => Type.Optional(Type.Boolean({
  default: DEFAULTS.identityHeader, description: `Send \`${name}\` with ${what}.`
}))

const identityHeaders = Type.Optional(Type.Union([
  Type.Boolean(),
  Type.Object({
    subject: identityHeader('X-Postern-Subject', 'the subject of the token'),
    clientId: identityHeader('X-Postern-Client-Id', 'the OAuth client that the token was issued to'),
    issuer: identityHeader('X-Postern-Issuer', 'the issuer of the token'),
    scopes: identityHeader('X-Postern-Scopes', 'the scopes of the token')
  }, closed)
], {
  title: 'true, false, or an object of booleans',
  default: DEFAULTS.identityHeader,
  description: 'Which headers tell the upstream who calls: all (`true`), none (`false`), or one by one. Those that a client sends are always removed.'
}))

const sessionKey = Type.String({
  pattern: '^([\\s\\S]{16,}|\\$\\{[\\s\\S]*)$',
  title: 'a secret of at least 16 characters (for example from `openssl rand -base64 32`)'
})

const session = Type.Optional(Type.Object({
  key: Type.Optional(Type.Union([sessionKey, Type.Array(sessionKey, { minItems: 1 })], {
    title: 'a secret of at least 16 characters, or an array of them',
    description: 'Secret of 16 characters or more that binds an `Mcp-Session-Id` to its principal; replicas share it. In an array the first one signs and all verify, so that a key can be replaced. Random for each process when absent.'
  }))
}, { ...closed, description: 'How legacy sessions are bound to a principal.' }))

const streams = Type.Optional(Type.Object({
  endAtTokenExpiry: Type.Optional(Type.Boolean({
    default: DEFAULTS.endAtTokenExpiry,
    description: 'End a listening stream when the token that opened it expires.'
  }))
}, { ...closed, description: 'Long-lived listening streams.' }))

const metadata = Type.Optional(Type.Object({
  resource_name: Type.Optional(Type.String({ description: 'Name of the server to show to people.' })),
  resource_documentation: Type.Optional(Type.String({ description: 'URL of a page for developers.' })),
  scopes_supported: Type.Optional(Type.Array(scope, {
    description: 'Published instead of `defaultScopes` and of the scopes that the policy names.'
  }))
}, {
  additionalProperties: true,
  description: 'More members for the protected resource metadata document, published verbatim. Members that the gateway derives itself may be repeated here but not contradicted.'
}))

const resource = url('The resource identifier (RFC 9728, RFC 8707), published verbatim. Its path is the path of the MCP endpoint; clients must reach the gateway under this URL.')
const upstream = url('The MCP endpoint of the upstream, with its path. It must be reachable only through this gateway.')

/** Options of one protected server that have a default or may be inherited from the top level. */
const inheritable = {
  authorizationServers: Type.Optional(authorizationServers),
  audience: Type.Optional(audience('Accepted `aud` values. Default: the resource identifier.')),
  strictAudience: Type.Optional(Type.Boolean({
    default: DEFAULTS.strictAudience,
    description: 'Refuse a token that carries any audience outside the list as well.'
  })),
  clockToleranceSeconds: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: 300,
    default: DEFAULTS.clockToleranceSeconds,
    description: 'How far the clocks of the authorization server and the gateway may differ, in seconds; for `exp`, `nbf` and `iat`.'
  })),
  tokenCacheSeconds: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: 86_400,
    default: DEFAULTS.tokenCacheSeconds,
    description: 'How long a verified token is remembered, in seconds, and never past its expiry; 0 verifies every request from scratch.'
  })),
  policy: Type.Optional(policy),
  defaultScopes: Type.Optional(Type.Array(scope, {
    description: 'What a first login should ask for: stands in the challenge when the operation is not known yet, and is published as `scopes_supported`. Default there: every scope that the policy names.'
  })),
  metadata,
  origins: Type.Optional(Type.Array(Type.String({ minLength: 1, title: 'an origin such as https://app.example' }), {
    description: 'Browser origins that may call besides the resource\'s own, such as `https://app.example`; `"*"` allows every origin, `"null"` the opaque one.'
  })),
  hosts: Type.Optional(Type.Array(Type.String({ minLength: 1, title: 'a host name, with a port if it is not the default one' }), {
    minItems: 1,
    description: 'Accepted `Host` values besides the resource\'s own. For a resource on a loopback host every other value is refused; elsewhere only when this list is given.'
  })),
  identityHeaders,
  upstreamHeaders: Type.Optional(Type.Unsafe<Record<string, string>>(Type.Object({}, {
    additionalProperties: Type.String(),
    description: 'Headers added to every request to the upstream, such as its API key. Take secrets from environment variables.'
  }))),
  preserveHost: Type.Optional(Type.Boolean({
    default: DEFAULTS.preserveHost,
    description: 'Send the client\'s `Host` to the upstream instead of the upstream\'s own.'
  })),
  session,
  streams
}

const serverEntry = Type.Object({
  resource,
  upstream,
  ...inheritable,
  limits: Type.Optional(Type.Object(serverLimits, { ...closed, description: LIMITS_DESCRIPTION }))
}, closed)

const admin = Type.Optional(Type.Object({
  host: Type.Optional(Type.String({ minLength: 1, default: DEFAULTS.adminHost, description: 'Address to listen on.' })),
  port: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Port to listen on.' })
}, { ...closed, description: 'Second listener for `/livez`, `/readyz` and `/metrics`; off when absent. Keep it private.' }))

/** The configuration file. What spans several options is checked in check.ts. */
export const configFile = Type.Object({
  $schema: Type.Optional(Type.String({ description: 'Where editors find `config.schema.json`; not read by the gateway.' })),
  resource: Type.Optional(resource),
  upstream: Type.Optional(upstream),
  ...inheritable,
  limits: Type.Optional(Type.Object({ ...serverLimits, ...processLimits }, { ...closed, description: LIMITS_DESCRIPTION })),
  admin,
  servers: Type.Optional(Type.Array(serverEntry, {
    minItems: 1,
    description: 'Several protected servers in one gateway, each with its own `resource` and `upstream`. The other top-level options are defaults for every entry; an option that an entry has itself replaces the default as a whole. The paths of the resources must differ.'
  }))
}, {
  ...closed,
  description: 'Configuration of Postern.',
  if: { required: ['servers'] } as TSchema,
  then: { not: { anyOf: [{ required: ['resource'] }, { required: ['upstream'] }] } } as TSchema,
  else: { required: ['resource', 'upstream', 'authorizationServers'] } as TSchema
})

export type ConfigFile = Static<typeof configFile>
export type ServerEntry = Static<typeof serverEntry>
