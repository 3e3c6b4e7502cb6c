import Type, { type StaticDecode, type TSchema } from 'typebox'
import { DecodeUnsafe, Value } from 'typebox/value'
import { SCOPE_TOKEN } from './scope-token.js'

/** Schema options of objects: a member that is not an option is refused, because it is mostly misspelt. */
export const closed = { additionalProperties: false } as const

/** A value that must not be changed. */
export type Immutable<T> =
  T extends ReadonlyArray<infer Item> ? ReadonlyArray<Immutable<Item>>
    : T extends object ? { readonly [Name in keyof T]: Immutable<T[Name]> }
      : T

export const scope = Type.String({
  pattern: SCOPE_TOKEN,
  title: 'a scope: visible ASCII characters without space, double quote and backslash (RFC 6749 §3.3)'
})

/** Returns the schema of an http(s) URL. `findUrlFault` checks what a pattern cannot express. */
export function url (description: string) {
  return Type.String({
    pattern: '^https?://',
    title: 'an absolute URL that starts with https:// or http://',
    description
  })
}

/** Returns the schema of a list of accepted `aud` values. */
export function audience (description: string) {
  return Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description })
}

/** Returns the schema of one text or a list of texts; the complete value is always a list. */
export function oneOrMore (item: Type.TString, options: Type.TSchemaOptions) {
  return Type.Codec(Type.Union([item, Type.Array(item, { minItems: 1 })], options))
    .Decode((value): string[] => typeof value === 'string' ? [value] : value)
    .Encode((value) => value)
}

interface MapOptions {
  readonly description: string
  readonly [keyword: string]: unknown
}

/**
 * Returns the schema of a map whose names the operator chooses. It is plain JSON Schema, so that filling in
 * defaults leaves the map as it is: `__proto__` is a name like any other.
 */
export function mapOf<Item> (item: TSchema, options: MapOptions) {
  const map = { type: 'object', additionalProperties: item, default: {} }
  return Type.Unsafe<Record<string, Item>>({ ...map, ...options })
}

/** Returns a copy of a valid value with every default filled in and every short form written out. */
export function complete<Schema extends TSchema> (schema: Schema, value: unknown): StaticDecode<Schema> {
  const filled = Value.Default(schema, structuredClone(value))
  return DecodeUnsafe({}, schema, Value.Clean(schema, filled)) as StaticDecode<Schema>
}
