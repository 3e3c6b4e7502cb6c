import Type, { type StaticDecode } from 'typebox'
import { ALGORITHMS } from './algorithms.js'
import { audience, closed, complete, oneOrMore, url, type Immutable } from './terms.js'

const text = (description: string) => Type.String({ minLength: 1, description })

const introspection = Type.Object({
  endpoint: Type.Optional(url(
    'Introspection endpoint. Default: `introspection_endpoint` of the authorization server metadata.'
  )),
  clientId: text('Client id of the gateway at the authorization server.'),
  clientSecret: Type.Optional(text(
    'Client secret, for `client_secret_basic`. Take it from an environment variable. ' +
    'Either this or `privateKey`.'
  )),
  privateKey: Type.Optional(text(
    'Private key as PKCS #8 PEM, for `private_key_jwt`. Take it from an environment variable. ' +
    'Either this or `clientSecret`.'
  )),
  cacheSeconds: Type.Integer({
    minimum: 0,
    maximum: 86_400,
    // Shorter than for signed tokens: an operator who introspects wants to notice a revocation soon.
    default: 30,
    description: 'How long a response is remembered, in seconds; 0 asks for every request. ' +
      'A revoked token is accepted that long.'
  })
}, { ...closed, description: 'Accept opaque tokens of this authorization server by asking it (RFC 7662).' })

const authorizationServer = Type.Object({
  issuer: url('Its issuer identifier, compared exactly with `iss`.'),
  issuers: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    description: 'Further accepted `iss` values of the same authorization server, ' +
      'for example during a migration.'
  }),
  advertise: Type.Optional(url('The URL that `authorization_servers` publishes. Default: `issuer`.')),
  metadataUrl: Type.Optional(url('URL of its metadata document, instead of the well-known places.')),
  jwksUri: Type.Optional(url('URL of its key set, instead of the one that its metadata names.')),
  algorithms: Type.Array(Type.Enum([...ALGORITHMS], {
    title: `one of ${ALGORITHMS.join(', ')}; HMAC algorithms (HS*) and none are never accepted, ` +
      'because then others than the authorization server could make tokens'
  }), {
    minItems: 1,
    default: [...ALGORITHMS],
    description: 'Accepted signature algorithms.'
  }),
  audience: Type.Optional(audience(
    'Accepted `aud` values for tokens of this authorization server, instead of the server-wide list.'
  )),
  clientIds: Type.Optional(Type.Array(Type.String({ minLength: 1 }), {
    minItems: 1,
    description: 'Accepted `client_id` values, instead of `aud`, ' +
      'for an authorization server whose tokens have no audience (Amazon Cognito).'
  })),
  scopeClaim: oneOrMore(Type.String({ minLength: 1, title: 'the name of a claim' }), {
    title: 'the name of a claim or a non-empty array of names',
    default: ['scope', 'scp', 'scopes'],
    description: 'Claims that may hold the scopes. The first one present counts; ' +
      'dots reach into objects (`realm_access.roles`).'
  }),
  allowHttp: Type.Boolean({
    default: false,
    description: 'Fetch from this authorization server over plain http although its host is not loopback, ' +
      'for example inside a compose network.'
  }),
  introspection: Type.Optional(introspection)
}, closed)

const issuer = url('Issuer identifier; everything else is discovered.')

export const authorizationServers = Type.Array(
  Type.Codec(Type.Union([issuer, authorizationServer], { title: 'an issuer URL or an object with "issuer"' }))
    .Decode((value) => typeof value === 'string' ? complete(authorizationServer, { issuer: value }) : value)
    .Encode((value) => value),
  {
    minItems: 1,
    description: 'Authorization servers whose tokens are accepted, each an issuer URL or an object. ' +
      'The metadata of the first one is mirrored for old clients.'
  }
)

export type AuthorizationServerConfig = Immutable<StaticDecode<typeof authorizationServer>>
export type IntrospectionConfig = Immutable<StaticDecode<typeof introspection>>
