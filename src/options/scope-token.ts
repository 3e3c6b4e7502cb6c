/**
 * A scope token (RFC 6749 §3.3): visible ASCII without double quote and backslash. Other text can neither be
 * granted nor stand in a challenge (RFC 6750 §3).
 */
export const SCOPE_TOKEN = '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$'

const PATTERN = new RegExp(SCOPE_TOKEN)

/** Returns whether a text is one scope token. */
export function isScopeToken (text: string): boolean {
  return PATTERN.test(text)
}
