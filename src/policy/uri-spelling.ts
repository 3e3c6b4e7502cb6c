/** A scheme, also one with a wildcard, as a pattern may have it. */
const SCHEME = /^[a-z*][a-z\d+.*-]*:/i

/** Characters that never need encoding: by RFC 3986 §6.2.2.2 both spellings are one URI. */
const UNRESERVED_ESCAPE = /%(?:2[de]|3[0-9]|[46][1-9a-f]|5[0-9af]|7[0-9ae])/gi

/** `/`, and `\`, which some readers take for it. */
const SEPARATOR_ESCAPE = /%(?:2f|5c)/gi

/** A percent sign that, decoded, begins another escape. */
const ENCODED_ESCAPE = /%25(?=[\da-f]{2})/gi

/** A client that encodes a URI template's variable (RFC 6570 §3.2.2) gives rise to two or three. */
const MOST_SPELLINGS = 12

/**
 * Returns a URI, or a pattern of URIs, with its scheme in lower case: letter case does not count there (RFC
 * 3986 §3.1).
 */
export function lowerScheme (uri: string): string {
  const scheme = SCHEME.exec(uri)?.[0]
  return scheme === undefined ? uri : scheme.toLowerCase() + uri.slice(scheme.length)
}

/**
 * Returns the other spellings that an upstream may give a URI before it looks it up: unreserved characters
 * decoded, separators decoded as well, and each of these once more where the percent sign itself was encoded.
 * Undefined when there are more than anybody means. Other escapes stay: rules are written with them.
 */
export function listSpellings (uri: string): readonly string[] | undefined {
  const found = new Set([uri])
  for (const spelling of found) { // a Set visits what is added on the way
    const plain = spelling.replace(UNRESERVED_ESCAPE, (escape) => decodeURIComponent(escape))
    const decoded = plain.replace(SEPARATOR_ESCAPE, '/')
    for (const other of [plain, decoded, spelling.replace(ENCODED_ESCAPE, '%')]) found.add(other)
    if (found.size > MOST_SPELLINGS) return undefined
  }
  found.delete(uri)
  return [...found]
}
