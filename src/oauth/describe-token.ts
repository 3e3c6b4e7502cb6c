import type { JsonObject } from './json-object.js'
import { parseToken } from './token-form.js'

/** What decides about a token, and is neither a secret nor about a person. Of other claims only the names. */
const SHOWN_CLAIMS: ReadonlySet<string> = new Set([
  'iss', 'aud', 'azp', 'client_id', 'cid', 'scope', 'scp', 'scopes', 'token_use', 'iat', 'nbf', 'exp'
])
const SHOWN_HEADER = ['alg', 'typ', 'kid'] as const

const MAX_LENGTH = 256
const MAX_ITEMS = 20

/** What a token says of itself, verified or not, for the log. */
export interface TokenDescription {
  readonly form: string
  readonly header?: JsonObject
  readonly claims?: JsonObject
  readonly otherClaims?: readonly string[]
}

/** Returns what a token says of itself. No part of it can be used as a credential. Does not throw. */
export function describeToken (token: string): TokenDescription {
  const parsed = parseToken(token)
  if (parsed.form !== 'jwt') return { form: parsed.form }
  const { header: { unverified: header }, claims: { unverified: claims } } = parsed
  const names = Object.keys(claims)
  return {
    form: parsed.form,
    header: pick(header, SHOWN_HEADER.filter((name) => Object.hasOwn(header, name))),
    claims: pick(claims, names.filter((name) => SHOWN_CLAIMS.has(name))),
    otherClaims: names.filter((name) => !SHOWN_CLAIMS.has(name)).slice(0, MAX_ITEMS).map(shorten)
  }
}

function pick (object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, summarise(object[name])]))
}

/** Anybody may have written it: nothing deep, nothing long. */
function summarise (value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(summariseOne)
  return summariseOne(value)
}

function summariseOne (value: unknown): unknown {
  if (typeof value === 'string') return shorten(value)
  return typeof value === 'object' && value !== null ? '(object)' : value
}

function shorten (text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}…`
}
