import Type from 'typebox'

/** For objects: a member that is no option is a mistake, mostly a misspelt one. */
export const closed = { additionalProperties: false }

/** A scope token (RFC 6749 §3.3): visible ASCII without double quote and backslash. */
export const scope = Type.String({
  pattern: '^[!#-\\[\\]-~]+$',
  title: 'a scope: visible ASCII characters without space, double quote and backslash (RFC 6749 §3.3)'
})

/** An http(s) URL as a file may spell it: variables are not yet replaced when an editor checks it. */
export function url (description: string) {
  return Type.String({ pattern: '^(https?://|\\$\\{)', title: 'an absolute URL that starts with https:// or http://', description })
}

/** A list of accepted `aud` values. */
export function audience (description: string) {
  return Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description })
}
