import type { IncomingHttpHeaders } from 'node:http'

/** Returns a response's media type without parameters, in lower case; an empty string when it has none. */
export function mediaType ({ 'content-type': type }: IncomingHttpHeaders): string {
  return String(type ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/**
 * Returns why a response cannot be read as what its media type says, or undefined. It is compressed, which
 * was not asked for, or it is a part, which shows what is in it in another form (RFC 9110 §8.4, §15.3.7).
 */
export function findObstacle (
  status: number, { 'content-encoding': encoding }: IncomingHttpHeaders
): string | undefined {
  const isEncoded = encoding !== undefined && String(encoding).toLowerCase() !== 'identity'
  if (isEncoded) return 'the response has a Content-Encoding'
  return status === 206 ? 'the response is only a part' : undefined
}
