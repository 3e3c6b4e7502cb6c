import type { TLocalizedValidationError } from 'typebox/error'
import { configFile } from '../options/gateway.js'
import type { SchemaNode } from '../options/json-schema.js'
import { decodePointer, listOptions, schemaAt } from '../options/list.js'
import type { Path } from './problem.js'
import { suggest } from './suggest.js'

export type SchemaError = TLocalizedValidationError

export interface Finding {
  readonly path: Path
  readonly message: string
  /** The part of the file that cannot be used because of it. */
  readonly unusable: Path
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object'
}

/** Options that newcomers look for in the file. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  host: 'HOST, or --host',
  port: 'PORT, or --port',
  listen: 'HOST and PORT, or --host and --port',
  logLevel: 'LOG_LEVEL'
}

/**
 * Returns the errors without those of alternatives that were not meant. When exactly one alternative of a
 * union has the type of the value, its own errors describe the fault best. Otherwise the union's error does.
 */
export function withoutAlternatives (errors: readonly SchemaError[]): SchemaError[] {
  const outermostFirst = errors
    .filter(({ keyword }) => keyword === 'anyOf')
    .sort((a, b) => a.schemaPath.length - b.schemaPath.length)
  return outermostFirst.reduce((kept, union) => (
    kept.includes(union) ? withoutAlternativesOf(union, kept) : kept
  ), [...errors])
}

function withoutAlternativesOf (union: SchemaError, errors: readonly SchemaError[]): SchemaError[] {
  const parent = `${union.schemaPath}/anyOf`
  const alternatives = (schemaAt(union.schemaPath).anyOf ?? []).map((_, index) => `${parent}/${index}`)
  const fitting = alternatives.filter((alternative) => (
    !errors.some((error) => isMismatch(error, alternative, union))
  ))
  const meant = fitting.length === 1 ? fitting[0] : undefined
  return errors.filter((error) => {
    if (error === union) return meant === undefined
    if (!isUnder(error.instancePath, union.instancePath) || !isUnder(error.schemaPath, parent)) return true
    return meant !== undefined && isUnder(error.schemaPath, meant)
  })
}

function isMismatch (error: SchemaError, alternative: string, union: SchemaError): boolean {
  return error.schemaPath === alternative && error.instancePath === union.instancePath &&
    (error.keyword === 'type' || error.keyword === 'enum')
}

function isUnder (path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}/`)
}

/** Returns an error in words for people. They never quote a value, because it may be a secret. */
export function describeError (error: SchemaError, value: unknown): Finding[] {
  const path = toPath(error.instancePath, value)
  const schema = schemaAt(error.schemaPath)
  const whole = (message: string): Finding[] => [{ path, message, unusable: path }]
  if (error.schemaPath.endsWith('/propertyNames')) return []
  switch (error.keyword) {
    case 'additionalProperties':
      if (schema.additionalProperties !== false) return []
      return describeUnknown(error.params.additionalProperties, path, schema)
    case 'propertyNames':
      return describeNames(error.params.propertyNames, path, schema)
    case 'required': return describeMissing(error.params.requiredProperties, path, schema)
    case 'type': case 'enum': case 'pattern': case 'anyOf': return whole(`must be ${nounFor(schema)}`)
    case 'minLength': return whole('must not be empty')
    case 'minItems': return whole('must not be empty: list at least one, or leave the option out')
    case 'minimum': return whole(`must be at least ${error.params.limit}`)
    case 'maximum': return whole(`must be at most ${error.params.limit}`)
    // `boolean` repeats additionalProperties; `if` and `not` are put into words by validate.ts.
    case 'boolean': case 'if': case 'not': return []
    default: return whole(error.message)
  }
}

function describeNames (names: readonly string[], path: Path, schema: SchemaNode): Finding[] {
  const message = `the name must be ${nounFor(schema.propertyNames ?? {})}`
  return names.map((name) => ({ path: [...path, name], unusable: [...path, name], message }))
}

function nounFor (schema: SchemaNode): string {
  if (schema.title !== undefined) return schema.title
  if (schema.enum !== undefined) return `one of ${schema.enum.map((item) => JSON.stringify(item)).join(', ')}`
  return NOUNS[schema.type ?? ''] ?? 'something else'
}

function describeMissing (names: readonly string[], path: Path, schema: SchemaNode): Finding[] {
  const properties = (path.length === 0 ? configFile : schema).properties
  return names.map((name) => {
    const missing = [...path, name]
    const description = properties?.[name]?.description
    return {
      path: missing,
      message: description === undefined ? 'is required' : `is required: ${description}`,
      unusable: path.length === 0 || isServerEntry(path) ? missing : path
    }
  })
}

function isServerEntry (path: Path): boolean {
  return path.length === 2 && path[0] === 'servers'
}

function describeUnknown (names: readonly string[], path: Path, schema: SchemaNode): Finding[] {
  const known = Object.keys(schema.properties ?? {})
  return names.map((name) => {
    const unknown = [...path, name]
    return { path: unknown, unusable: unknown, message: `is not an option${hint(name, known, path)}` }
  })
}

function hint (name: string, known: readonly string[], path: Path): string {
  if (path.length === 0 && Object.hasOwn(ELSEWHERE, name)) {
    return `: it comes from the environment (${ELSEWHERE[name]})`
  }
  const nearest = suggest(name, known)
  if (nearest !== undefined) return `; did you mean "${nearest}"?`
  const elsewhere = listOptions().find((option) => option.name === name)
  if (elsewhere !== undefined) return ` here; did you mean "${elsewhere.path}"?`
  return known.length <= 8 ? `; known here: ${known.join(', ')}` : ''
}

/** Returns a JSON pointer as a path. `root` tells array elements from members whose name is a number. */
function toPath (pointer: string, root: unknown): Path {
  let node = root
  return decodePointer(pointer).map((segment) => {
    const key = Array.isArray(node) ? Number(segment) : segment
    node = (node as Record<string | number, unknown> | null)?.[key]
    return key
  })
}
