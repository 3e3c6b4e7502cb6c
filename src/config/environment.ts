import envSchema from 'env-schema'
import { environment, type Environment } from '../options/environment.js'
import type { SchemaNode } from '../options/json-schema.js'
import { resultOf, type Result } from './problem.js'
import type { Variables } from './substitute.js'
import { readToolRules } from './tool-rules.js'

/** Flags that mean the same as variables, and beat them. */
export interface Flags {
  readonly host?: string
  readonly port?: number
  readonly resource?: string
  readonly upstream?: string
  readonly issuers?: readonly string[]
  /** Each as `name=scope`. */
  readonly tools?: readonly string[]
}

/** The flags that say what is protected, as a file does. */
const SETUP_FLAGS = {
  RESOURCE_URL: { flag: '--resource', read: ({ resource }: Flags) => resource },
  UPSTREAM_URL: { flag: '--upstream', read: ({ upstream }: Flags) => upstream },
  ISSUER_URL: { flag: '--issuer', read: ({ issuers }: Flags) => issuers?.join(' ') },
  TOOL_SCOPES: {
    flag: '--tool', read: ({ tools }: Flags) => tools && JSON.stringify(readToolRules(tools).value)
  }
} as const

const FLAGS: Readonly<Record<string, { flag: string, read: (flags: Flags) => string | undefined }>> = {
  HOST: { flag: '--host', read: ({ host }) => host },
  PORT: { flag: '--port', read: ({ port }) => port?.toString() },
  ...SETUP_FLAGS
}

/** Returns the flags that are given instead of a file. */
export function setupFlagsIn (flags: Flags): string[] {
  return Object.values(SETUP_FLAGS).filter(({ read }) => read(flags) !== undefined).map(({ flag }) => flag)
}

/** Variable → the flag that has beaten it, or that is missing as the variable is. */
export function flagNames (flags: Flags, values: Environment): Readonly<Record<string, string>> {
  const isUnset = (name: string): boolean => !Object.hasOwn(values, name)
  const names = Object.entries(SETUP_FLAGS)
    .filter(([name, { read }]) => read(flags) !== undefined || isUnset(name))
    .map(([name, { flag }]) => [name, flag] as const)
  return { ...Object.fromEntries(names), 'TOOL_SCOPES (not set)': '--tool (not given)' }
}

/** Other libraries' names for pino's levels, as the `.env` files of the reference set-ups have them. */
const LEVEL_ALIASES: ReadonlyMap<string, string> = new Map([['warning', 'warn'], ['critical', 'fatal']])

const PROXIES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const

/**
 * Returns the variables that the program reads. Flags beat variables. A wrong value is a problem, and its
 * default takes its place. Blank variables count as unset, except TOOL_SCOPES, because its absence allows
 * every tool. White space and quotes around a value are dropped: `docker run --env-file` passes on the quotes
 * and carriage returns of a `.env` file.
 */
export function readEnvironment (env: Variables, flags: Flags): Result<Environment> {
  const given: Record<string, string> = {
    ...pickKnown(env),
    ...pickFlags(flags)
  }
  const wrong = [...new Set([...findWrong(given), ...PROXIES.filter((name) => !isUsableProxy(given[name]))])]
  const valid = Object.fromEntries(Object.entries(given).filter(([name]) => !wrong.includes(name)))
  const problems = wrong.map((name) => ({
    place: placeOf(name, flags),
    message: `must be ${titleOf(name)}`
  }))
  return resultOf(parse(valid), [...problems, ...readToolRules(flags.tools ?? []).problems])
}

function pickFlags (flags: Flags): Record<string, string> {
  return Object.fromEntries(Object.entries(FLAGS).flatMap(([name, { read }]) => {
    const value = read(flags)
    return value === undefined ? [] : [[name, value]]
  }))
}

function titleOf (name: string): string {
  const schemas: Readonly<Record<string, SchemaNode>> = environment.properties
  return schemas[name]?.title ?? 'valid'
}

function pickKnown (env: Variables): Record<string, string> {
  const names = Object.keys(environment.properties)
  const given = names.flatMap((name): Array<[string, string]> => {
    const value = unwrap(env[name] ?? '')
    const counts = value !== '' || (name === 'TOOL_SCOPES' && env[name] !== undefined)
    return counts ? [[name, value]] : []
  })
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

/** No pattern can express it: a port is at most 65535, and user name and password are percent-encoded. */
function isUsableProxy (value: string | undefined): boolean {
  if (value === undefined) return true
  try {
    const { username, password } = new URL(value)
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

function parse (data: Record<string, string>): Environment {
  return envSchema<Environment>({ schema: environment, data, env: false })
}

function placeOf (name: string, flags: Flags): string {
  const known = FLAGS[name]
  return known?.read(flags) === undefined ? name : known.flag
}
