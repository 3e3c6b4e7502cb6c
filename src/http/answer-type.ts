import type { IncomingHttpHeaders } from 'node:http'

/** Returns an answer's media type without parameters, in lower case; an empty string when it has none. */
export function mediaType ({ 'content-type': type }: IncomingHttpHeaders): string {
  return String(type ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/**
 * Returns why an answer cannot be read as what its media type says, or undefined: it is compressed, which was not asked
 * for, or a part of one, which shows what is in it in another form (RFC 9110 §8.4, §15.3.7).
 */
export function findObstacle (status: number, { 'content-encoding': encoding }: IncomingHttpHeaders): string | undefined {
  if (encoding !== undefined && String(encoding).toLowerCase() !== 'identity') return 'the answer has a Content-Encoding'
  return status === 206 ? 'the answer is a part of one' : undefined
}
