import Type, { type Static } from 'typebox'

/** The file that is read when none is named. */
export const DEFAULT_CONFIG_FILE = './config.json'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export const LOG_FORMATS = ['auto', 'json', 'pretty'] as const

const text = (description: string) => Type.Optional(Type.String({ description }))

/** With user name and password, if need be. */
const proxy = (description: string) => Type.Optional(Type.String({
  pattern: '^https?://([^\\s/?#@]*@)?([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?/?$',
  title: 'an http:// or https:// URL without a path',
  description
}))

/** Every variable that the program itself reads. A configuration file can refer to further ones. */
export const environment = Type.Object({
  POSTERN_CONFIG: text(`Configuration file. Default: \`${DEFAULT_CONFIG_FILE}\`. \`--config\` beats it.`),
  HOST: Type.String({
    pattern: '^[A-Za-z0-9._:%-]+$',
    title: 'a host name or an IP address, without scheme, brackets and port',
    default: '127.0.0.1',
    description: 'Address to listen on. `--host` beats it.'
  }),
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    title: 'a whole number from 0 to 65535',
    default: 3002,
    description: 'Port to listen on. `--port` beats it.'
  }),
  LOG_LEVEL: Type.Enum([...LOG_LEVELS], {
    title: `one of ${LOG_LEVELS.join(', ')}`,
    default: 'info',
    description: 'Least severe log level that is written.'
  }),
  LOG_FORMAT: Type.Enum([...LOG_FORMATS], {
    title: `one of ${LOG_FORMATS.join(', ')}`,
    default: 'auto',
    description: 'How the log is written: `json`, `pretty` for people, or `auto`: pretty on a terminal, ' +
      'else JSON.'
  }),
  HTTPS_PROXY: proxy('Proxy for what is fetched from authorization servers at `https://`.'),
  https_proxy: proxy('The same; it beats `HTTPS_PROXY`.'),
  HTTP_PROXY: proxy('Proxy for what is fetched from authorization servers at `http://`.'),
  http_proxy: proxy('The same; it beats `HTTP_PROXY`.'),
  NO_PROXY: text('Hosts, with the names under them, that are asked directly: separated by commas, or `*`.'),
  no_proxy: text('The same; it beats `NO_PROXY`.'),
  RESOURCE_URL: text('Plain set-up: `resource`, when there is no configuration file. `--resource` beats it.'),
  ISSUER_URL: text(
    'Plain set-up: issuers of `authorizationServers`, separated by spaces or commas. `--issuer` beats it.'
  ),
  UPSTREAM_URL: text(
    'The MCP endpoint of the upstream, when there is no configuration file. `--upstream` beats it.'
  ),
  TOOL_SCOPES: text(
    'JSON object like `policy.tools`, when there is no configuration file. `--tool` beats it.'
  ),
  SCALEKIT_ENVIRONMENT_URL: text('FastMCP set-up: URL of the Scalekit environment.'),
  SCALEKIT_RESOURCE_ID: text('FastMCP set-up: id of the MCP server at Scalekit, `res_…`.'),
  SCALEKIT_CLIENT_ID: text('Accepted, not used.'),
  SCALEKIT_CLIENT_SECRET: text('Accepted, not used.'),
  MCP_URL: text('FastMCP set-up: base URL of the MCP server; `mcp` is appended unless it ends so.'),
  SK_ENV_URL: text('SDK set-up: URL of the Scalekit environment.'),
  SK_CLIENT_ID: text('Accepted, not used.'),
  SK_CLIENT_SECRET: text('Accepted, not used.'),
  EXPECTED_AUDIENCE: text('SDK set-up: accepted `aud` value.'),
  PROTECTED_RESOURCE_METADATA: text('SDK set-up: the JSON document from the Scalekit dashboard.')
}, { additionalProperties: false })

/** Proxies for what the gateway fetches, as the environment names them. */
export interface Proxies {
  readonly httpProxy?: string
  readonly httpsProxy?: string
  readonly noProxy?: string
}

export type Environment = Static<typeof environment>
export type LogFormat = typeof LOG_FORMATS[number]
export type VariableName = keyof Environment
