export interface UrlRules {
  readonly query: 'allowed' | 'refused'
}

/**
 * Returns what is wrong with an absolute http(s) URL, or undefined. The sentence never quotes the URL: it may hold
 * credentials. Stricter than the URL parser, which repairs what other parsers read in another way.
 */
export function findUrlFault (text: string, { query }: UrlRules): string | undefined {
  if (!/^[\x21-\x7e]*$/.test(text)) return 'may hold visible ASCII characters only: percent-encode others, and write the host in its xn-- form'
  if (!/^https?:\/\//.test(text)) return 'must be an absolute URL: put https:// (or http://) in front'
  if (/^https?:\/\/https?:?\/\//.test(text)) return 'has its scheme twice'
  if (/^https?:\/\/(?:[/?#]|$)/.test(text)) return 'has no host'
  const url = parseUrl(text)
  if (url === undefined || text.includes('\\')) return 'is not a valid URL'
  if (url.username !== '' || url.password !== '' || /^[^/]*\/\/[^/?#]*@/.test(text)) return 'must not hold a user name or password'
  if (text.includes('#')) return 'must not have a fragment (#…)'
  if (query === 'refused' && text.includes('?')) return 'must not have a query (?…)'
  return undefined
}

/** Returns the parsed URL, or undefined when it is none. */
export function parseUrl (text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** Whether a host name or address can only mean this machine (RFC 6761 §6.3); brackets of IPv6 do not matter. */
function isLoopbackHost (host: string): boolean {
  const name = bareHost(host)
  return name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
}

interface Listener {
  readonly host: string
  readonly port: number
}

/** Returns whether two addresses are, as far as their spelling tells, the same listener. Names are not resolved. */
export function isSameListener (one: Listener, other: Listener): boolean {
  if (one.port !== other.port) return false
  return bareHost(one.host) === bareHost(other.host) || [one, other].every(({ host }) => isLoopbackHost(host) || isWildcard(host))
}

function isWildcard (host: string): boolean {
  return bareHost(host) === '0.0.0.0' || bareHost(host) === '::'
}

function bareHost (host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
}

/** Returns whether tokens, keys and metadata would travel to another machine without TLS. */
export function isUnprotected (text: string): boolean {
  const url = parseUrl(text)
  return url?.protocol === 'http:' && !isLoopbackHost(url.hostname)
}
