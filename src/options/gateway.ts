import Type, { type StaticDecode } from 'typebox'
import { asWritten, type SchemaNode } from './json-schema.js'
import { limitsOptions, MAX_TIMER_MS, server, serverLimits, type ServerConfig } from './server.js'
import { closed, type Immutable } from './terms.js'

/** The limits of the process; those of one protected server are in server.ts. */
const processLimits = {
  connections: Type.Integer({
    minimum: 1,
    default: 2000,
    description: 'Client connections that may be open at once; further ones are closed, ' +
      'and the log says so. Only at the top level.'
  }),
  headerBytes: Type.Integer({
    minimum: 1024,
    maximum: 1_048_576,
    default: 32_768,
    description: 'Largest request header section in bytes, including the access token, ' +
      'which may be 16384 bytes long itself. Only at the top level.'
  }),
  drainMs: Type.Integer({
    minimum: 0,
    maximum: MAX_TIMER_MS,
    default: 10_000,
    description: 'How long requests under way may take to finish at shutdown, in milliseconds; ' +
      'a reload cuts nothing off. Only at the top level.'
  })
}

const admin = Type.Object({
  host: Type.String({ minLength: 1, default: '127.0.0.1', description: 'Address to listen on.' }),
  port: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Port to listen on.' })
}, {
  ...closed,
  description: 'Second listener for `/livez`, `/readyz` and `/metrics`; off when absent. Keep it private.'
})

/** Every option of the process that the file can hold. */
export const gateway = Type.Object({
  admin: Type.Optional(admin),
  limits: Type.Object(processLimits, limitsOptions)
})

/** The whole configuration, complete: every default filled in. */
export type Config = Immutable<StaticDecode<typeof gateway>> & {
  readonly listen: { readonly host: string, readonly port: number }
  readonly logLevel: string
  readonly servers: readonly ServerConfig[]
}

const { resource, upstream, authorizationServers, limits, ...inheritable } = server.properties
const inherited = { authorizationServers: Type.Optional(authorizationServers), ...inheritable }

/** The configuration file. Rules between several options are in config/. */
export const configFile: SchemaNode = asWritten(Type.Object({
  $schema: Type.Optional(Type.String({
    description: 'Where editors find `config.schema.json`; not read by the gateway.'
  })),
  resource: Type.Optional(resource),
  upstream: Type.Optional(upstream),
  ...inherited,
  limits: Type.Object({ ...serverLimits, ...processLimits }, limitsOptions),
  admin: gateway.properties.admin,
  servers: Type.Optional(Type.Array(Type.Object({ resource, upstream, ...inherited, limits }, closed), {
    minItems: 1,
    description: 'Several protected servers in one gateway, each with its own `resource` and `upstream`. ' +
      'The other top-level options are defaults for every entry; ' +
      'an option that an entry has itself replaces the default as a whole. ' +
      'The resources must differ in their paths, or in their hosts.'
  }))
}, {
  ...closed,
  description: 'Configuration of Postern.',
  if: { required: ['servers'] },
  then: { not: { anyOf: [{ required: ['resource'] }, { required: ['upstream'] }] } },
  else: { required: ['resource', 'upstream', 'authorizationServers'] }
}))
