import { bareHost, isLoopback } from './loopback.js'

export interface UrlRules {
  readonly query: 'allowed' | 'refused'
}

/**
 * Returns the fault of an absolute http(s) URL, or undefined. The message never quotes the URL, because that
 * may hold credentials. The check is stricter than the URL parser, which repairs URLs that other parsers read
 * in another way.
 */
export function findUrlFault (text: string, { query }: UrlRules): string | undefined {
  if (!/^[\x21-\x7e]*$/.test(text)) {
    return 'may hold visible ASCII characters only: ' +
      'percent-encode others, and write the host in its xn-- form'
  }
  if (!/^https?:\/\//.test(text)) return 'must be an absolute URL: put https:// (or http://) in front'
  if (/^https?:\/\/https?:?\/\//.test(text)) return 'has its scheme twice'
  if (/^https?:\/\/(?:[/?#]|$)/.test(text)) return 'has no host'
  const url = parseUrl(text)
  if (url === undefined || text.includes('\\')) return 'is not a valid URL'
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/?#]*@/.test(text)) {
    return 'must not hold a user name or password'
  }
  if (text.includes('#')) return 'must not have a fragment (#…)'
  if (query === 'refused' && text.includes('?')) return 'must not have a query (?…)'
  return undefined
}

/** Returns the parsed URL, or undefined when the text is not one. */
export function parseUrl (text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** Returns whether tokens, keys and metadata would travel to another machine without TLS. */
export function isUnprotected (text: string): boolean {
  const url = parseUrl(text)
  return url?.protocol === 'http:' && !isLoopback(url.hostname)
}

interface Listener {
  readonly host: string
  readonly port: number
}

/** Returns whether two addresses are the same listener, judged by their text. Names are not resolved. */
export function isSameListener (one: Listener, other: Listener): boolean {
  if (one.port !== other.port) return false
  if (bareHost(one.host) === bareHost(other.host)) return true
  return [one, other].every(({ host }) => isLoopback(host) || isWildcard(host))
}

function isWildcard (host: string): boolean {
  return bareHost(host) === '0.0.0.0' || bareHost(host) === '::'
}
