import Type, { type StaticDecode, type TSchema } from 'typebox'
import { DecodeUnsafe, Value } from 'typebox/value'
import { SCOPE_TOKEN } from './scope-token.js'

/** For objects: a member that is not an option is a mistake, mostly a misspelt one. */
export const closed = { additionalProperties: false } as const

/** A value that nobody may change. */
export type Immutable<T> =
  T extends ReadonlyArray<infer Item> ? ReadonlyArray<Immutable<Item>>
    : T extends object ? { readonly [Name in keyof T]: Immutable<T[Name]> }
      : T

export const scope = Type.String({
  pattern: SCOPE_TOKEN,
  title: 'a scope: visible ASCII characters without space, double quote and backslash (RFC 6749 §3.3)'
})

/** Returns the schema of an http(s) URL. What a pattern cannot say is left to findUrlFault. */
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

/** Returns the schema of a text, or a list of texts, that is complete as a list. */
export function oneOrMore (item: Type.TString, options: Type.TSchemaOptions) {
  return Type.Codec(Type.Union([item, Type.Array(item, { minItems: 1 })], options))
    .Decode((value): string[] => typeof value === 'string' ? [value] : value)
    .Encode((value) => value)
}

/**
 * Returns the schema of a map whose names the operator chooses. In plain JSON Schema, so that filling in
 * defaults leaves the map as it is: `__proto__` is a name like any other.
 */
export function mapOf<Item> (item: TSchema, options: Readonly<Record<string, unknown>>) {
  const schema = { type: 'object', additionalProperties: item, default: {}, ...options }
  return Type.Unsafe<Record<string, Item>>(schema)
}

/**
 * Returns a valid value with every default filled in and every short form written out. The value is not
 * changed.
 */
export function complete<Schema extends TSchema> (schema: Schema, value: unknown): StaticDecode<Schema> {
  const filled = Value.Default(schema, structuredClone(value))
  return DecodeUnsafe({}, schema, Value.Clean(schema, filled)) as StaticDecode<Schema>
}
