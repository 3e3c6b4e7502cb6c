import { isDeepStrictEqual } from 'node:util'
import { derivedMembers } from '../oauth/protected-resource.js'
import { readAddressRanges } from '../options/address-range.js'
import type { Config } from '../options/gateway.js'
import { findUrlFault, isSameListener, parseUrl } from '../options/http-url.js'
import type { ServerConfig } from '../options/server.js'
import type { PlacedServer, PlaceOf } from './place.js'
import type { Problem } from './problem.js'

/** Headers of the connection and of the examined bytes: only the gateway may set them (F1, M3, M5). */
const OWN_HEADERS = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect',
  'host', 'content-length', 'content-type', 'content-encoding'
])
const OWN_HEADER_PREFIXES = ['x-postern-', 'proxy-', 'mcp-']

/** Headers of the client without which no upstream can read a message (M5, M6), or resume a stream. */
const NEEDED_HEADERS = ['accept', 'content-type', 'last-event-id', 'mcp-']

/** Returns the problems of one protected server, except those of its authorization servers. */
export function findServerProblems ({ server, placeOf }: PlacedServer, listen: Config['listen']): Problem[] {
  return [
    ...checkResource(server, placeOf),
    ...checkUpstream(server, listen, placeOf),
    ...checkMetadata(server, placeOf),
    ...checkUpstreamHeaders(server, placeOf),
    ...server.removeHeaders.flatMap((entry, index) => (
      asProblem(findRemovalFault(entry.toLowerCase()), placeOf('removeHeaders', index))
    )),
    ...server.origins.flatMap((origin, index) => (
      asProblem(findOriginFault(origin), placeOf('origins', index))
    )),
    ...(server.hosts ?? []).flatMap((host, index) => (
      asProblem(findHostFault(host), placeOf('hosts', index))
    )),
    ...server.trustedProxies.flatMap((proxy, index) => (
      asProblem(findProxyFault(proxy), placeOf('trustedProxies', index))
    ))
  ]
}

function asProblem (message: string | undefined, place: string): Problem[] {
  return message === undefined ? [] : [{ place, message }]
}

function checkResource ({ resource }: ServerConfig, placeOf: PlaceOf): Problem[] {
  if (resource === '') return []
  const fault = findUrlFault(resource, { query: 'refused' }) ?? findPathFault(resource)
  return asProblem(fault, placeOf('resource'))
}

function findPathFault (resource: string): string | undefined {
  const url = new URL(resource)
  const path = /^https?:\/\/[^/]*(.*)$/.exec(resource)?.[1] ?? ''
  if (path !== '' && path !== url.pathname) {
    return 'must not have dot segments, or characters that a URL must encode, in its path'
  }
  if (!/^(\/[\w.~!$&'()+,;=@-]+)*\/?$/.test(url.pathname)) {
    return 'must have a simple path: no empty segments, and only letters, digits and -._~!$&\'()+,;=@'
  }
  if (/^\/(health|\.well-known)(\/|$)/i.test(url.pathname)) {
    return 'must not be under /health or /.well-known: these paths are public'
  }
  return undefined
}

function checkUpstream (server: ServerConfig, listen: Config['listen'], placeOf: PlaceOf): Problem[] {
  const { upstream, resource } = server
  if (upstream === '') return []
  const place = placeOf('upstream')
  const fault = findUrlFault(upstream, { query: 'refused' })
  if (fault !== undefined) {
    const mayHoldKey = upstream.includes('@') || upstream.includes('?')
    const remedy = mayHoldKey ? '; for a key of the upstream use upstreamHeaders' : ''
    return [{ place, message: fault + remedy }]
  }
  const url = new URL(upstream)
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  if (isSameListener({ host: url.hostname, port }, listen) || isUnder(url, parseUrl(resource))) {
    return [{ place, message: 'is the gateway itself: give the upstream a port or host of its own' }]
  }
  return []
}

function isUnder (url: URL, parent: URL | undefined): boolean {
  if (parent === undefined || url.origin !== parent.origin) return false
  return `${url.pathname}/`.startsWith(parent.pathname.replace(/\/*$/, '/'))
}

function checkMetadata (server: ServerConfig, placeOf: PlaceOf): Problem[] {
  return Object.entries(derivedMembers(server)).flatMap(([name, value]) => {
    const added = server.metadata[name]
    if (value.length === 0 || added === undefined || isDeepStrictEqual(added, value)) return []
    const message = 'contradicts the value that the gateway derives: remove it'
    return [{ place: placeOf('metadata', name), message }]
  })
}

function checkUpstreamHeaders ({ upstreamHeaders }: ServerConfig, placeOf: PlaceOf): Problem[] {
  const seen = new Set<string>()
  return Object.entries(upstreamHeaders).flatMap(([name, value]) => {
    const lower = name.toLowerCase()
    const fault = seen.has(lower)
      ? 'appears twice: letter case does not count in header names'
      : findHeaderFault(lower, value)
    seen.add(lower)
    return asProblem(fault, placeOf('upstreamHeaders', name))
  })
}

function findHeaderFault (name: string, value: string): string | undefined {
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) return 'is not a valid header name (RFC 9110 §5.1)'
  if (OWN_HEADERS.has(name) || OWN_HEADER_PREFIXES.some((prefix) => name.startsWith(prefix))) {
    return 'is a header that only the gateway sets'
  }
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    return 'has a value with characters that a header cannot hold, such as a line break at its end'
  }
  return undefined
}

/** An entry is a name, or the beginning of one with `*`. */
function findRemovalFault (entry: string): string | undefined {
  const beginning = entry.replace(/\*$/, '')
  const isPrefix = beginning !== entry
  const needed = NEEDED_HEADERS.find((name) => (
    name === beginning || (name.endsWith('-') && beginning.startsWith(name)) ||
    (isPrefix && name.startsWith(beginning))
  ))
  if (needed === undefined) return undefined
  const shown = needed.endsWith('-') ? `${needed}*` : needed
  return `removes ${shown}, which MCP needs at the upstream`
}

function findOriginFault (origin: string): string | undefined {
  if (origin === '*' || origin === 'null') return undefined
  if (origin.includes('*')) return 'cannot hold a wildcard: list each origin, or only "*" for all'
  if (!/^[a-z][a-z\d+.-]*:\/\/[^/?#@\s\\]+$/.test(origin)) {
    return 'is not an origin: write scheme://host or scheme://host:port, without a path or a slash at the end'
  }
  if (/^https?:/.test(origin) && parseUrl(origin)?.origin !== origin) {
    return 'is not spelt as browsers send it: host in lower case, no default port'
  }
  return undefined
}

function findHostFault (host: string): string | undefined {
  if (host.includes('*')) return 'cannot hold a wildcard: list each host'
  if (/^(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.test(host) && URL.canParse(`http://${host}`)) return undefined
  return 'is not a host name or address, with :port if it is not the default one'
}

function findProxyFault (proxy: string): string | undefined {
  if (readAddressRanges(proxy) !== undefined) return undefined
  if (/\/0+$/.test(proxy)) return 'is every address: every client could choose the address that the log has'
  return 'is not an address, a range such as 10.0.0.0/8, "loopback" or "private"; ' +
    'names of hosts are not looked up'
}
