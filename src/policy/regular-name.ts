/**
 * Longer names match only exact rules, so that a client cannot make patterns expensive. In UTF-16 code units;
 * RFC 9110 §4.1 recommends that HTTP implementations support URIs of at least 8000 octets.
 */
export const LONGEST_PATTERN_NAME = 8192

/** C0, U+007F, C1, and lone surrogates. */
const UNSAFE = /[\p{Cc}\p{Cs}]/u

/** Characters that readers trim or do not show: a name with them looks like the one without. */
const UNSEEN = /^\s|\s$|\p{Default_Ignorable_Code_Point}/u

/** Between delimiters of RFC 3986 §2.2, so that `..;x` or `?path=..` count as well. */
const DOT_SEGMENT = /(?:^|[/:?#[\]@!$&'()*+,;=])\.\.?(?:$|[/:?#[\]@!$&'()*+,;=])/

/**
 * Returns why a tool, prompt or method name may match only an exact rule, or undefined when patterns may
 * match it too (P6, extended to names). At the upstream a control character can cut a name short or hide it,
 * and white space around it can be trimmed. Not checked: letter case, Unicode normalisation.
 */
export function findNameOddity (name: string): string | undefined {
  if (name.length > LONGEST_PATTERN_NAME) return `it is longer than ${LONGEST_PATTERN_NAME} characters`
  if (UNSAFE.test(name)) return 'it holds control characters or lone surrogates'
  if (!UNSEEN.test(name)) return undefined
  return 'it begins or ends with white space, or holds invisible characters'
}

/**
 * Returns why a URI may match only an exact rule, or undefined when patterns may match it too (P6): the
 * upstream could resolve it to another MCP resource than its text shows.
 *
 * Checked beyond the list of P6: empty path segments, and percent-encoding that is broken or not UTF-8. Not
 * checked: letter case, ports, Unicode normalisation; and other spellings of the URI, see uri-spelling.ts.
 */
export function findUriOddity (uri: string): string | undefined {
  const oddity = findNameOddity(uri)
  if (oddity !== undefined) return oddity
  if (uri.includes('\\')) return 'it holds a backslash'
  if (DOT_SEGMENT.test(uri)) return 'it holds a dot segment'
  const beforePath = /^(?:[^/?#:]*:)?(?:\/\/)?/.exec(uri)?.[0] ?? ''
  if (hasEmptySegment(uri, beforePath.length)) return 'it holds an empty path segment'
  return uri.includes('%') ? findEscapeOddity(uri) : undefined
}

/** Many readers take `//` in a path for `/`. `start` is after the `//` in front of an authority. */
function hasEmptySegment (uri: string, start: number): boolean {
  const slashes = uri.indexOf('//', start)
  if (slashes === -1) return false
  const path = uri.slice(start, slashes)
  return !path.includes('?') && !path.includes('#')
}

function findEscapeOddity (uri: string): string | undefined {
  const decoded = decode(uri)
  if (decoded === undefined) return 'its percent-encoding is broken or not UTF-8'
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
