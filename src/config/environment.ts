import envSchema from 'env-schema'
import { environment, type Environment } from '../options/environment.js'
import type { SchemaNode } from '../options/json-schema.js'
import { resultOf, type Result } from './problem.js'
import type { Variables } from './substitute.js'

export interface Flags {
  readonly host?: string
  readonly port?: number
}

/**
 * Names that other logging libraries have for pino's levels, found in `.env` files of the reference set-ups.
 */
const LEVEL_ALIASES: ReadonlyMap<string, string> = new Map([['warning', 'warn'], ['critical', 'fatal']])

/**
 * Returns the variables that the program reads, flags laid over them, with a problem for each that is wrong
 * (its default stands in for it). Blank variables count as unset, except TOOL_SCOPES, whose absence allows
 * every tool. White space and quotes around a value are dropped: a `.env` file that is handed over as it is
 * (`docker run --env-file`) keeps its quotes and carriage returns.
 */
export function readEnvironment (env: Variables, flags: Flags): Result<Environment> {
  const given = {
    ...pickKnown(env),
    ...(flags.host === undefined ? {} : { HOST: flags.host }),
    ...(flags.port === undefined ? {} : { PORT: String(flags.port) })
  }
  const wrong = findWrong(given)
  const valid = Object.fromEntries(Object.entries(given).filter(([name]) => !wrong.includes(name)))
  const problems = wrong.map((name) => ({ place: placeOf(name, flags), message: `must be ${titleOf(name)}` }))
  return resultOf(parse(valid), problems)
}

function titleOf (name: string): string {
  const schemas: Readonly<Record<string, SchemaNode>> = environment.properties
  return schemas[name]?.title ?? 'valid'
}

function pickKnown (env: Variables): Record<string, string> {
  const known = Object.keys(environment.properties)
  const given = known.map((name): [string, string] => [name, unwrap(env[name] ?? '')])
    .filter(([name, value]) => value !== '' || (name === 'TOOL_SCOPES' && env[name] !== undefined))
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
