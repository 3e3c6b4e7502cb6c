/** Tells whether a host name can only mean the machine that looks it up (RFC 6761 §6.3). */
export function isLoopback (hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') ||
    hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

/**
 * Spellings of this machine that no client should be sent to. However a host was written, a URL object
 * has it in one of these forms.
 */
const THIS_MACHINE =
  /^(?:0\.0\.0\.0|\[::\]|\[::ffff:(?:7f[\da-f]{2}:[\da-f]{1,4}|0:0)\]|(?:.*\.)?localhost\.)$/

/**
 * Returns why the doctor sends no requests to a URL that a server named; undefined when it does.
 * A server elsewhere must not send it to this machine.
 */
export function refuseNamedUrl (named: unknown, examined: URL): string | undefined {
  if (typeof named !== 'string' || !URL.canParse(named)) return 'is not an absolute URL'
  const { protocol, username, password, hostname } = new URL(named)
  if (protocol !== 'https:' && protocol !== 'http:') return 'is not an http or https URL'
  if (username !== '' || password !== '') return 'has credentials in it'
  if (isLoopback(examined.hostname)) return undefined
  if (!isLoopback(hostname) && !THIS_MACHINE.test(hostname)) return undefined
  return 'is on a loopback host, where every client would reach its own machine'
}

/** Tells whether a URL is https, or http on a loopback host, where nobody can listen in. */
export function isConfidential (url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

/**
 * Returns the URL with a well-known string between host and path (RFC 9728 §3.1, RFC 8414 §3.1).
 * A lone slash after the host is dropped, a query stays.
 */
export function insertWellKnown (url: URL, name: string): string {
  const path = url.pathname === '/' ? '' : url.pathname
  return `${url.origin}/.well-known/${name}${path}${url.search}`
}

/** Returns the URL with a parameter, `name=value`, at the end of its query. */
export function addQuery (url: URL, parameter: string): string {
  return `${url.href}${url.search === '' ? '?' : '&'}${parameter}`
}
