import envSchema from 'env-schema'
import Type from 'typebox'
import type { Static } from 'typebox'
import { ENVIRONMENT_DEFAULTS } from './defaults.js'
import type { Problem } from './problem.js'
import type { Variables } from './substitute.js'

const text = (description: string) => Type.Optional(Type.String({ description }))

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** Every variable that the program itself reads; those that a file refers to come on top. */
export const environment = Type.Object({
  POSTERN_CONFIG: text(`Configuration file. Default: \`${ENVIRONMENT_DEFAULTS.configFile}\`. \`--config\` beats it.`),
  HOST: Type.String({
    pattern: '^[A-Za-z0-9._:%-]+$',
    default: ENVIRONMENT_DEFAULTS.host,
    description: 'Address to listen on. `--host` beats it.'
  }),
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: ENVIRONMENT_DEFAULTS.port,
    description: 'Port to listen on. `--port` beats it.'
  }),
  LOG_LEVEL: Type.Enum([...LOG_LEVELS], { default: ENVIRONMENT_DEFAULTS.logLevel, description: 'Least severe log level that is written.' }),
  UPSTREAM_URL: text('The MCP endpoint of the upstream, when there is no configuration file.'),
  TOOL_SCOPES: text('JSON object like `policy.tools`, when there is no configuration file.'),
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

export type Environment = Static<typeof environment>
export type VariableName = keyof Environment

export interface Flags {
  readonly host?: string
  readonly port?: number
}

const RULES: Readonly<Partial<Record<string, string>>> = {
  HOST: 'must be a host name or an IP address, without scheme, brackets and port',
  PORT: 'must be a whole number from 0 to 65535',
  LOG_LEVEL: `must be one of ${LOG_LEVELS.join(', ')}`
}

/** Names that other logging libraries have for pino's levels, found in `.env` files of the reference set-ups. */
const LEVEL_ALIASES: ReadonlyMap<string, string> = new Map([['warning', 'warn'], ['critical', 'fatal']])

/**
 * Returns the variables that the program reads, flags laid over them, with a problem for each that is wrong (its
 * default stands in for it). Blank variables count as unset, but for TOOL_SCOPES, whose absence allows. White space and quotes around a value are dropped: a
 * `.env` file that is handed over as it is (`docker run --env-file`) keeps its quotes and carriage returns.
 */
export function readEnvironment (env: Variables, flags: Flags): { values: Environment, problems: Problem[] } {
  const given = {
    ...pickKnown(env),
    ...(flags.host === undefined ? {} : { HOST: flags.host }),
    ...(flags.port === undefined ? {} : { PORT: String(flags.port) })
  }
  const wrong = findWrong(given)
  const valid = Object.fromEntries(Object.entries(given).filter(([name]) => !wrong.includes(name)))
  return {
    values: parse(valid),
    problems: wrong.map((name) => ({ place: placeOf(name, flags), message: RULES[name] ?? 'is not valid' }))
  }
}

function pickKnown (env: Variables): Record<string, string> {
  const known = Object.keys(environment.properties).map((name): [string, string] => [name, unwrap(env[name] ?? '')])
  const given = known.filter(([name, value]) => value !== '' || (name === 'TOOL_SCOPES' && env[name] !== undefined))
  const { LOG_LEVEL: level, ...rest } = Object.fromEntries(given)
  if (level === undefined) return rest
  return { ...rest, LOG_LEVEL: LEVEL_ALIASES.get(level.toLowerCase()) ?? level.toLowerCase() }
}

function unwrap (value: string): string {
  const trimmed = value.trim()
  return /^(['"])([\s\S]*)\1$/.exec(trimmed)?.[2]?.trim() ?? trimmed
}

function findWrong (data: Record<string, string>): string[] {
  try {
    parse(data)
    return []
  } catch (error) {
    const { errors } = error as { errors?: readonly { instancePath: string }[] }
    if (errors === undefined) throw error
    return [...new Set(errors.map(({ instancePath }) => instancePath.slice(1)))]
  }
}

function parse (data: Record<string, string>): Environment {
  return envSchema<Environment>({ schema: environment, data, env: false })
}

function placeOf (name: string, flags: Flags): string {
  if (name === 'HOST' && flags.host !== undefined) return '--host'
  if (name === 'PORT' && flags.port !== undefined) return '--port'
  return name
}
