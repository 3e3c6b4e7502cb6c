/** A JSON value's type; `true` and `false` share one. */
export type JsonType = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

/**
 * What to pick of a member's value: its place (`span`), its text (`string`), the texts of an array of strings
 * (`strings`), the members of an object (a shape), or those of every object in an array (`[shape]`).
 */
export type Wanted = 'span' | 'string' | 'strings' | Shape | readonly [Shape]

/** The members of one object that the reader wants, by exact name. All others are checked and skipped. */
export interface Shape { readonly [member: string]: Wanted }

/** Where a value stands: `bytes.subarray(start, end)` is its JSON text, quotes and brackets included. */
export interface Span<T extends JsonType = JsonType> {
  readonly type: T
  readonly start: number
  readonly end: number
}

type Unlike<T extends JsonType> = Span<Exclude<JsonType, T>>

/** A value that was picked. With another type than wanted it is a bare `Span` of that type, not absent. */
export type Picked<W extends Wanted> =
  W extends 'span' ? Span
    : W extends 'string' ? (Span<'string'> & { readonly value: string }) | Unlike<'string'>
      : W extends 'strings' ? PickedStrings | Unlike<'array'>
        : W extends readonly [infer S extends Shape] ? PickedElements<S> | Unlike<'array'>
          : W extends Shape ? PickedMembers<W> | Unlike<'object'> : never

/** `values` is undefined when an element is not a string. */
export type PickedStrings = Span<'array'> & { readonly values: readonly string[] | undefined }
export type PickedElements<S extends Shape> = Span<'array'> & { readonly elements: ReadonlyArray<Picked<S>> }
export type PickedMembers<S extends Shape> = Span<'object'> & { readonly members: Members<S> }

/** Has no prototype: any name that the document does not hold is undefined. */
export type Members<S extends Shape> = { readonly [K in keyof S]?: Picked<S[K]> }

export interface CompiledMember {
  readonly name: string
  readonly bytes: Buffer
  /** The name as a tolerant parser may compare it: see `foldName`. */
  readonly folded: string
  readonly wanted: CompiledWanted
}

export type CompiledWanted = 'span' | 'string' | 'strings' | CompiledShape | { readonly each: CompiledShape }

/** A shape made ready for scanning: once, for every document. */
export interface CompiledShape<S extends Shape = Shape> {
  readonly shape: S
  readonly members: readonly CompiledMember[]
}

/** Returns the shape in the form that `scan` takes. Throws TypeError when two of its names look alike. */
export function compileShape<const S extends Shape> (shape: S): CompiledShape<S> {
  const members = Object.keys(shape).map((name) => ({
    name,
    bytes: Buffer.from(name),
    folded: foldName(name),
    wanted: compileWanted(shape[name] as Wanted)
  }))
  if (new Set(members.map((member) => member.folded)).size < members.length) {
    throw new TypeError('two members of a shape differ only in spelling')
  }
  return { shape, members }
}

function compileWanted (wanted: Wanted): CompiledWanted {
  if (typeof wanted === 'string') return wanted
  if (isElementShape(wanted)) return { each: compileShape(wanted[0]) }
  return compileShape(wanted)
}

function isElementShape (wanted: Shape | readonly [Shape]): wanted is readonly [Shape] {
  return Array.isArray(wanted)
}

/** No parser takes a longer name for one of ours. Folding stops here, so it costs little. */
export const FOLDED_LENGTH = 128

// U+0307 remains when a Turkish capital I becomes lower case. foldName says why the others are here.
const DROPPED = /[_\-\s\p{Default_Ignorable_Code_Point}]|\u0307/gu

/**
 * Returns a name as the most tolerant reader may compare it: up to U+0000 (C strings end there), ignoring
 * - letter case, in any of Unicode's mappings (Go's encoding/json, .NET, Jackson on request),
 * - compatibility forms: `ſ` is `s`, U+212A is `k` (Go's simple folding, Swift's canonical equivalence),
 * - underscores and hyphens (the Python SDK's models accept a field's snake_case name, too:
 *   `resource_subscriptions` for `resourceSubscriptions`, `meta` for `_meta`),
 * - white space (readers that trim names),
 * - invisible characters (culture-sensitive comparison in .NET).
 */
export function foldName (name: string): string {
  const nul = name.indexOf('\0')
  const text = name.slice(0, nul === -1 ? FOLDED_LENGTH : Math.min(nul, FOLDED_LENGTH))
  return text.normalize('NFKC').toUpperCase().toLowerCase().replace(DROPPED, '')
}
