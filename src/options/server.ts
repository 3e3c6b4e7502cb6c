import Type, { type StaticDecode } from 'typebox'
import { authorizationServers } from './authorization-server.js'
import { policy } from './policy.js'
import { audience, closed, mapOf, oneOrMore, scope, url, type Immutable } from './terms.js'

/** Longest delay that a Node timer can hold. */
export const MAX_TIMER_MS = 2_147_483_647

export const limitsOptions = { ...closed, default: {}, description: 'Sizes and times.' }

/** The limits of one protected server; those of the process are in gateway.ts. */
export const serverLimits = {
  bodyBytes: Type.Integer({
    minimum: 1,
    maximum: 268_435_456,
    default: 4_194_304,
    description: 'Largest request body in bytes; a larger one is refused with 413.'
  }),
  upstreamTimeoutMs: Type.Integer({
    minimum: 1,
    maximum: MAX_TIMER_MS,
    default: 60_000,
    description: 'How long the upstream may take until its response header, in milliseconds; then 504. ' +
      'A stream that has begun is not cut, and a listening stream may begin later. ' +
      'Set it above the duration of the slowest tool if the upstream sends the header with the result.'
  })
}

const identityHeader = (name: string, what: string) =>
  Type.Boolean({ default: true, description: `Send \`${name}\` with ${what}.` })

const identityHeadersByName = Type.Object({
  subject: identityHeader('X-Postern-Subject', 'the subject of the token'),
  clientId: identityHeader('X-Postern-Client-Id', 'the OAuth client that the token was issued to'),
  issuer: identityHeader('X-Postern-Issuer', 'the issuer of the token'),
  scopes: identityHeader('X-Postern-Scopes', 'the scopes of the token')
}, closed)

const identityHeaders = Type.Codec(Type.Union([Type.Boolean(), identityHeadersByName], {
  title: 'true, false, or an object of booleans',
  default: true,
  description: 'Which headers tell the upstream who calls: all (`true`), none (`false`), or one by one. ' +
    'Those that a client sends are always removed.'
}))
  .Decode((value) => typeof value === 'boolean'
    ? { subject: value, clientId: value, issuer: value, scopes: value }
    : value)
  .Encode((value) => value)

const session = Type.Object({
  key: Type.Optional(oneOrMore(Type.String({
    pattern: '^[\\s\\S]{16,}$',
    title: 'a secret of at least 16 characters (for example from `openssl rand -base64 32`)'
  }), {
    title: 'a secret of at least 16 characters, or an array of them',
    description: 'Secret of 16 characters or more that binds an `Mcp-Session-Id` to its principal; ' +
      'replicas share it. In an array the first one signs and all verify, so that a key can be replaced. ' +
      'Random for each process when absent.'
  }))
}, { ...closed, default: {}, description: 'How legacy sessions are bound to a principal.' })

const streams = Type.Object({
  endAtTokenExpiry: Type.Boolean({
    default: true,
    description: 'End a listening stream when the token that opened it expires.'
  })
}, { ...closed, default: {}, description: 'Long-lived listening streams.' })

const metadata = Type.Unsafe<Record<string, unknown>>(Type.Object({
  resource_name: Type.Optional(Type.String({ description: 'Name of the server to show to people.' })),
  resource_documentation: Type.Optional(Type.String({ description: 'URL of a page for developers.' })),
  scopes_supported: Type.Optional(Type.Array(scope, {
    description: 'Published instead of `defaultScopes` and of the scopes that the policy names.'
  }))
}, {
  additionalProperties: true,
  default: {},
  description: 'More members for the protected resource metadata document, published verbatim. ' +
    'Members that the gateway derives itself may be repeated here but not contradicted.'
}))

/** Every option of one protected server. */
export const server = Type.Object({
  resource: url(
    'The resource identifier (RFC 9728, RFC 8707), published verbatim. ' +
    'Its path is the path of the MCP endpoint; clients must reach the gateway under this URL.'
  ),
  upstream: url(
    'The MCP endpoint of the upstream, with its path. It must be reachable only through this gateway.'
  ),
  authorizationServers,
  audience: Type.Optional(audience('Accepted `aud` values. Default: the resource identifier.')),
  strictAudience: Type.Boolean({
    default: false,
    description: 'Refuse a token that carries any audience outside the list as well.'
  }),
  clockToleranceSeconds: Type.Integer({
    minimum: 0,
    maximum: 300,
    default: 30,
    description: 'How far the clocks of the authorization server and the gateway may differ, in seconds; ' +
      'for `exp`, `nbf` and `iat`.'
  }),
  tokenCacheSeconds: Type.Integer({
    minimum: 0,
    maximum: 86_400,
    default: 60,
    description: 'How long a verified token is remembered, in seconds, and never past its expiry; ' +
      '0 verifies every request from scratch.'
  }),
  policy,
  defaultScopes: Type.Array(scope, {
    default: [],
    description: 'Scopes that a first login should ask for. ' +
      'The challenge names them when the operation is not known yet, and `scopes_supported` lists them. ' +
      'When there are none, both name every scope that the policy names.'
  }),
  metadata,
  origins: Type.Array(Type.String({ minLength: 1, title: 'an origin such as https://app.example' }), {
    default: [],
    description: 'Browser origins that may call besides the resource\'s own, such as ' +
      '`https://app.example`; `"*"` allows every origin, `"null"` the opaque one.'
  }),
  hosts: Type.Optional(Type.Array(Type.String({
    minLength: 1,
    title: 'a host name, with a port if it is not the default one'
  }), {
    minItems: 1,
    description: 'Accepted `Host` values besides the resource\'s own. ' +
      'For a resource on a loopback host every other value is refused; ' +
      'elsewhere only when this list is given.'
  })),
  trustedProxies: Type.Array(Type.String({
    minLength: 1,
    title: 'an address, a range such as 10.0.0.0/8, "loopback" or "private"'
  }), {
    default: [],
    description: 'Proxies in front whose word in `X-Forwarded-For` counts for `clientAddress` in the log: ' +
      'addresses, ranges such as `10.0.0.0/8`, `"loopback"` (127.0.0.0/8, ::1) or `"private"` (10.0.0.0/8, ' +
      '172.16.0.0/12, 192.168.0.0/16, fc00::/7). Nothing else is believed of them.'
  }),
  identityHeaders,
  upstreamHeaders: mapOf<string>(Type.String(), {
    description: 'Headers added to every request to the upstream, such as its API key. ' +
      'Take secrets from environment variables.'
  }),
  removeHeaders: Type.Array(Type.String({
    pattern: '^[A-Za-z0-9-]+\\*?$',
    title: 'a header name of letters, digits and hyphens, or the beginning of one and *'
  }), {
    default: [],
    description: 'Further headers of the client that do not reach the upstream, such as those by which a ' +
      'proxy in front says who calls: names, or beginnings of names such as `X-Corp-*`. ' +
      'Letter case does not count.'
  }),
  preserveHost: Type.Boolean({
    default: false,
    description: 'Send the client\'s `Host` to the upstream instead of the upstream\'s own.'
  }),
  session,
  streams,
  limits: Type.Object(serverLimits, limitsOptions)
}, closed)

/** One protected server, complete: every default filled in, every short form written out. */
export type ServerConfig = Immutable<StaticDecode<typeof server>>
