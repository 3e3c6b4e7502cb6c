/**
 * Longer names match only exact rules, so that what a client sends cannot make patterns expensive. In UTF-16 code
 * units; RFC 9110 §4.1 asks of HTTP implementations no more than 8000 octets for a URI.
 */
export const LONGEST_PATTERN_NAME = 8192

/** C0, U+007F, C1, and surrogates without a partner. */
const UNSAFE = /[\p{Cc}\p{Cs}]/u

/** What readers trim, and what nobody sees: a name with it looks like the one without. */
const UNSEEN = /^\s|\s$|\p{Default_Ignorable_Code_Point}/u

/** Between delimiters of RFC 3986 §2.2, so that `..;x` or `?path=..` count as well. */
const DOT_SEGMENT = /(?:^|[/:?#[\]@!$&'()*+,;=])\.\.?(?:$|[/:?#[\]@!$&'()*+,;=])/

/** `.`, `/`, `\`, and the other characters that never need encoding: RFC 3986 §6.2.2.2 makes both spellings one URI. */
const NEEDLESS_ESCAPE = /%(?:2[def]|3[0-9]|[46][1-9a-f]|5[0-9acf]|7[0-9ae])/i

/** What is left after one decoding and would be decoded by a second one. */
const LEFT_OVER_ESCAPE = /%[0-9a-f%]/i

/**
 * Returns why a tool, prompt or method name may match only an exact rule, or undefined when patterns may match it too
 * (P6, extended to names): a control character can cut a name short, or hide it, somewhere behind us, and white space
 * around it can be trimmed there. Not checked: letter case, and Unicode normalisation.
 */
export function findNameOddity (name: string): string | undefined {
  if (name.length > LONGEST_PATTERN_NAME) return `it is longer than ${LONGEST_PATTERN_NAME} characters`
  if (UNSAFE.test(name)) return 'it holds control characters or lone surrogates'
  return UNSEEN.test(name) ? 'it begins or ends with white space, or holds characters that cannot be seen' : undefined
}

/**
 * Returns why a URI may match only an exact rule, or undefined when patterns may match it too (P6): whoever resolves
 * it behind us could arrive at another resource than its text shows.
 *
 * Beyond P6's own list: empty path segments, percent-encoding that is broken, repeated, not UTF-8 or not needed, and
 * upper case in the scheme. Not checked: letter case elsewhere, ports, Unicode normalisation.
 */
export function findUriOddity (uri: string): string | undefined {
  const oddity = findNameOddity(uri)
  if (oddity !== undefined) return oddity
  if (uri.includes('\\')) return 'it holds a backslash'
  if (DOT_SEGMENT.test(uri)) return 'it holds a dot segment'
  const beforePath = /^(?:[^/?#:]*:)?(?:\/\/)?/.exec(uri)?.[0] ?? ''
  if (/[A-Z]/.test(beforePath)) return 'its scheme is not in lower case'
  if (hasEmptySegment(uri, beforePath.length)) return 'it holds an empty path segment'
  return uri.includes('%') ? findEscapeOddity(uri) : undefined
}

/** Many readers take `//` in a path for `/`. `start` is past the `//` that announces an authority. */
function hasEmptySegment (uri: string, start: number): boolean {
  const slashes = uri.indexOf('//', start)
  if (slashes === -1) return false
  const path = uri.slice(start, slashes)
  return !path.includes('?') && !path.includes('#')
}

function findEscapeOddity (uri: string): string | undefined {
  if (NEEDLESS_ESCAPE.test(uri)) return 'it encodes a dot, a slash, a backslash or a character that needs no encoding'
  const decoded = decode(uri)
  if (decoded === undefined) return 'its percent-encoding is broken or not UTF-8'
  if (LEFT_OVER_ESCAPE.test(decoded)) return 'it is percent-encoded twice'
  if (UNSAFE.test(decoded)) return 'it encodes a control character'
  return DOT_SEGMENT.test(decoded) ? 'it holds a dot segment' : undefined
}

function decode (uri: string): string | undefined {
  try {
    return decodeURIComponent(uri)
  } catch {
    return undefined
  }
}
