/** Public-key signatures only: with HMAC the public key, or with `none` nobody at all, could sign (behaviour A2). */
export const ALGORITHMS = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'
] as const

/** What an option is when the file does not say; the schema publishes these and the loader fills them in. */
export const DEFAULTS = {
  strictAudience: false,
  clockToleranceSeconds: 30,
  tokenCacheSeconds: 60,
  preserveHost: false,
  bodyBytes: 4_194_304,
  upstreamTimeoutMs: 60_000,
  headerBytes: 32_768,
  drainMs: 10_000,
  endAtTokenExpiry: true,
  adminHost: '127.0.0.1',
  identityHeader: true,
  unlisted: 'deny',
  filterLists: true,
  algorithms: ALGORITHMS,
  scopeClaims: ['scope', 'scp', 'scopes'],
  allowHttp: false,
  /** Shorter than for signed tokens: who introspects wants to notice a revocation soon. */
  introspectionCacheSeconds: 30
} as const

/** What the environment decides when neither it nor a flag says. */
export const ENVIRONMENT_DEFAULTS = {
  configFile: './config.json',
  host: '127.0.0.1',
  port: 3002,
  logLevel: 'info'
} as const
