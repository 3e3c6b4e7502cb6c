/** The configuration as the rest of the program sees it: normalised, complete, immutable. */
export type Rule = string | readonly string[] | { readonly anyOf: readonly (string | readonly string[])[] } | { readonly allOf: readonly string[] } | boolean
export type RuleMap = Readonly<Record<string, Rule>>
export type Unlisted = 'deny' | 'allow'

export interface PolicyConfig {
  readonly tools: RuleMap
  readonly resources: RuleMap
  readonly prompts: RuleMap
  readonly methods: RuleMap
  readonly implies: Readonly<Record<string, readonly string[]>>
  readonly unlisted: { readonly tools: Unlisted, readonly resources: Unlisted, readonly prompts: Unlisted }
  readonly filterLists: boolean
}

export interface IntrospectionConfig {
  /** Default: `introspection_endpoint` of the authorization server metadata. */
  readonly endpoint?: string
  readonly clientId: string
  readonly clientSecret?: string
  /** PEM (PKCS #8) private key for private_key_jwt. */
  readonly privateKey?: string
  readonly cacheSeconds: number
}

export interface AuthorizationServerConfig {
  readonly issuer: string
  /** Further accepted `iss` values. */
  readonly issuers: readonly string[]
  readonly advertise: string
  readonly metadataUrl?: string
  readonly jwksUri?: string
  readonly algorithms: readonly string[]
  readonly audience?: readonly string[]
  readonly clientIds?: readonly string[]
  readonly scopeClaims: readonly string[]
  readonly allowHttp: boolean
  readonly introspection?: IntrospectionConfig
}

export interface IdentityHeaders {
  readonly subject: boolean
  readonly clientId: boolean
  readonly issuer: boolean
  readonly scopes: boolean
}

/** One protected server, complete: every default filled in. */
export interface ServerConfig {
  /** Verbatim resource identifier. */
  readonly resource: string
  readonly upstream: string
  readonly authorizationServers: readonly AuthorizationServerConfig[]
  readonly audience: readonly string[]
  readonly strictAudience: boolean
  readonly clockToleranceSeconds: number
  readonly tokenCacheSeconds: number
  readonly policy: PolicyConfig
  readonly defaultScopes: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly origins: readonly string[]
  readonly hosts: readonly string[]
  readonly identityHeaders: IdentityHeaders
  /** Names as they are written. */
  readonly upstreamHeaders: Readonly<Record<string, string>>
  /** Keep the client's `Host` instead of the upstream's own authority (F1). */
  readonly preserveHost: boolean
  readonly limits: { readonly bodyBytes: number, readonly upstreamTimeoutMs: number }
  /** First key signs, all verify (F10); empty: random per process. */
  readonly sessionKeys: readonly string[]
  readonly endStreamsAtTokenExpiry: boolean
}

export interface Config {
  readonly listen: { readonly host: string, readonly port: number }
  readonly logLevel: string
  readonly admin?: { readonly host: string, readonly port: number }
  readonly limits: { readonly connections?: number, readonly headerBytes: number, readonly drainMs: number }
  readonly servers: readonly ServerConfig[]
}
