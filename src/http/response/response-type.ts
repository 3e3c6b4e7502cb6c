import type { IncomingHttpHeaders } from 'node:http'

/** Returns a response's media type without parameters, in lower case; an empty string when it has none. */
export function mediaType ({ 'content-type': type }: IncomingHttpHeaders): string {
  return String(type ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** In these, what is ASCII in UTF-8 is the same characters. */
const LIKE_UTF_8: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii', 'iso-8859-1'])

/**
 * Returns why a response cannot be read as what its media type says, or undefined. It is compressed, which
 * was not asked for, or it is a part, which shows what is in it in another form (RFC 9110 §8.4, §15.3.7). Or
 * it names a charset in which some clients would read other characters than the gateway.
 */
export function findObstacle (
  status: number, { 'content-encoding': encoding, 'content-type': type }: IncomingHttpHeaders
): string | undefined {
  const isEncoded = encoding !== undefined && String(encoding).toLowerCase() !== 'identity'
  if (isEncoded) return 'the response has a Content-Encoding'
  const charsets = String(type).toLowerCase().matchAll(/charset\s*=\s*["']?([^\s"';,]*)/g)
  for (const [, charset = ''] of charsets) {
    if (!LIKE_UTF_8.has(charset)) return 'the response is in another charset than UTF-8'
  }
  return status === 206 ? 'the response is only a part' : undefined
}
