import type {
  AuthorizationServerConfig, Config, IdentityHeaders, IntrospectionConfig, PolicyConfig, ServerConfig
} from './config.js'
import { DEFAULTS } from './defaults.js'
import { isJsonObject } from './json-text.js'
import { formatPlace } from './problem.js'
import type { Path } from './problem.js'
import type { ConfigFile, ServerEntry } from './schema.js'
import type { UsableFile } from './validate.js'

type ServerOptions = Omit<UsableFile, 'servers'> & Partial<ServerEntry>
type AuthorizationServerOption = NonNullable<ConfigFile['authorizationServers']>[number]
type IntrospectionOption = NonNullable<Exclude<AuthorizationServerOption, string>['introspection']>

type PolicyOption = NonNullable<ConfigFile['policy']>

export interface ProcessSettings {
  readonly host: string
  readonly port: number
  readonly logLevel: string
}

/** Where an option of a server is written: in its entry, or at the top level when it is inherited or the only server. */
export type PlaceOf = (option: string, ...rest: Path) => string

export interface Normalised {
  readonly config: Config
  /** One for each server. */
  readonly places: readonly PlaceOf[]
}

/**
 * Returns the configuration with every default filled in. A required option that the file lacks becomes an empty
 * string or list; the caller must have reported it.
 */
export function normalise (file: UsableFile, settings: ProcessSettings): Normalised {
  const { servers, admin, limits, ...shared } = file
  const defaults: ServerOptions = limits === undefined ? shared : { ...shared, limits }
  const entries = servers === undefined ? [defaults] : servers.map((entry): ServerOptions => ({ ...defaults, ...entry }))
  return {
    config: {
      listen: { host: settings.host, port: settings.port },
      logLevel: settings.logLevel,
      ...(admin === undefined ? {} : { admin: { host: admin.host ?? DEFAULTS.adminHost, port: admin.port } }),
      limits: {
        ...(limits?.connections === undefined ? {} : { connections: limits.connections }),
        headerBytes: limits?.headerBytes ?? DEFAULTS.headerBytes,
        drainMs: limits?.drainMs ?? DEFAULTS.drainMs
      },
      servers: entries.map(normaliseServer)
    },
    places: entries.map((_, index) => placeIn(file, servers === undefined ? undefined : index))
  }
}

function placeIn (file: UsableFile, index: number | undefined): PlaceOf {
  const entry = index === undefined ? undefined : file.servers?.[index]
  return (option, ...rest) => {
    const path = [option, ...rest]
    const own = entry !== undefined && (Object.hasOwn(entry, option) || !Object.hasOwn(file, option))
    return formatPlace(own ? ['servers', index ?? 0, ...shorten(entry, path)] : shorten(file, path))
  }
}

/** Returns the path up to the first value without members: an issuer that is written as a string has no `.issuer`. */
function shorten (root: unknown, path: Path): Path {
  let node = root
  const end = path.findIndex((segment) => {
    if (!Array.isArray(node) && !isJsonObject(node)) return true
    node = (node as Record<string | number, unknown>)[segment]
    return false
  })
  return end === -1 ? path : path.slice(0, end)
}

function normaliseServer (options: ServerOptions): ServerConfig {
  const resource = options.resource ?? ''
  return {
    resource,
    upstream: options.upstream ?? '',
    authorizationServers: (options.authorizationServers ?? []).map(normaliseAuthorizationServer),
    audience: options.audience ?? [resource],
    strictAudience: options.strictAudience ?? DEFAULTS.strictAudience,
    clockToleranceSeconds: options.clockToleranceSeconds ?? DEFAULTS.clockToleranceSeconds,
    tokenCacheSeconds: options.tokenCacheSeconds ?? DEFAULTS.tokenCacheSeconds,
    policy: normalisePolicy(options.policy ?? {}),
    defaultScopes: options.defaultScopes ?? [],
    metadata: options.metadata ?? {},
    origins: options.origins ?? [],
    hosts: options.hosts ?? [],
    identityHeaders: normaliseIdentityHeaders(options.identityHeaders ?? DEFAULTS.identityHeader),
    upstreamHeaders: options.upstreamHeaders ?? {},
    preserveHost: options.preserveHost ?? DEFAULTS.preserveHost,
    limits: {
      bodyBytes: options.limits?.bodyBytes ?? DEFAULTS.bodyBytes,
      upstreamTimeoutMs: options.limits?.upstreamTimeoutMs ?? DEFAULTS.upstreamTimeoutMs
    },
    sessionKeys: toArray(options.session?.key ?? []),
    endStreamsAtTokenExpiry: options.streams?.endAtTokenExpiry ?? DEFAULTS.endAtTokenExpiry
  }
}

function normaliseAuthorizationServer (option: AuthorizationServerOption): AuthorizationServerConfig {
  if (typeof option === 'string') return normaliseAuthorizationServer({ issuer: option })
  // A required member may be gone, see normalise.
  const { issuer = '', issuers, advertise, algorithms, scopeClaim, allowHttp, introspection, ...rest } = option
  return {
    ...rest,
    issuer,
    issuers: issuers ?? [],
    advertise: advertise ?? issuer,
    algorithms: algorithms ?? DEFAULTS.algorithms,
    scopeClaims: toArray(scopeClaim ?? DEFAULTS.scopeClaims),
    allowHttp: allowHttp ?? DEFAULTS.allowHttp,
    ...(introspection === undefined ? {} : { introspection: normaliseIntrospection(introspection) })
  }
}

function normaliseIntrospection ({ cacheSeconds, ...rest }: IntrospectionOption): IntrospectionConfig {
  return { ...rest, cacheSeconds: cacheSeconds ?? DEFAULTS.introspectionCacheSeconds }
}

function normalisePolicy (option: PolicyOption): PolicyConfig {
  const { unlisted = DEFAULTS.unlisted } = option
  const kinds = typeof unlisted === 'string' ? { tools: unlisted, resources: unlisted, prompts: unlisted } : unlisted
  return {
    tools: option.tools ?? {},
    resources: option.resources ?? {},
    prompts: option.prompts ?? {},
    methods: option.methods ?? {},
    implies: option.implies ?? {},
    unlisted: {
      tools: kinds.tools ?? DEFAULTS.unlisted,
      resources: kinds.resources ?? DEFAULTS.unlisted,
      prompts: kinds.prompts ?? DEFAULTS.unlisted
    },
    filterLists: option.filterLists ?? DEFAULTS.filterLists
  }
}

function normaliseIdentityHeaders (option: boolean | Partial<IdentityHeaders>): IdentityHeaders {
  if (typeof option === 'boolean') return { subject: option, clientId: option, issuer: option, scopes: option }
  const { subject, clientId, issuer, scopes } = option
  return {
    subject: subject ?? DEFAULTS.identityHeader,
    clientId: clientId ?? DEFAULTS.identityHeader,
    issuer: issuer ?? DEFAULTS.identityHeader,
    scopes: scopes ?? DEFAULTS.identityHeader
  }
}

function toArray (value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value
}
