import type { UpstreamFailure } from './failure.js'

/** What a response is, according to its status and `Location`. */
export type ResponseKind =
  /** To be passed on. */
  | { readonly kind: 'final' }
  /** The same request is to be sent to this path and query of the same upstream. */
  | { readonly kind: 'redirect', readonly path: string }
  /** Not to be passed on. */
  | { readonly kind: 'failure', readonly failure: UpstreamFailure }

/** A request as it was sent. */
export interface SentRequest {
  /** Path and query. */
  readonly path: string
  /** The upstream's own authority, and the `Host` it was addressed with. */
  readonly hosts: readonly string[]
  /** How many redirects led to it. */
  readonly redirects: number
}

/** A `Location` header, as undici reports it. */
type Location = string | string[] | undefined

/** How many redirects are followed for one request (F8). */
const MAX_REDIRECTS = 3

const FINAL: ResponseKind = { kind: 'final' }

/**
 * Returns what a response is. A refusal of the gateway itself must not look like a refusal of the client
 * (F7); a redirect is followed or a failure (F8); everything else is passed on.
 */
export function classifyResponse (request: SentRequest, status: number, location: Location): ResponseKind {
  if (status === 401 || status === 403 || status === 407) {
    const hint = 'check upstreamHeaders, and its own Host and Origin checks'
    return failure('refused', `the upstream answered ${status}; ${hint}`)
  }
  if (status > 599) return failure('broken', `the upstream answered with a status of ${status}`)
  if (status < 300 || status >= 400 || status === 304) return FINAL
  const path = request.redirects < MAX_REDIRECTS ? sameHostPath(request, status, location) : undefined
  return path === undefined
    ? failure('redirect', `the upstream answered ${status} ${describeLocation(request, location)}`)
    : { kind: 'redirect', path }
}

function failure (kind: UpstreamFailure['kind'], reason: string): ResponseKind {
  return { kind: 'failure', failure: { kind, reason } }
}

/** For the log, without query and password (O5). */
function describeLocation (request: SentRequest, location: Location): string {
  if (location === undefined) return 'without a Location'
  const url = resolveLocation(request, location)
  if (url === undefined) return 'with a Location that is no URL'
  return `to ${url.protocol}//${url.host}${url.pathname}`
}

/**
 * Returns path and query of a redirect that keeps method and body (RFC 9110 §15.4.8, §15.4.9) and names the
 * upstream itself. Only path and query are used. The scheme does not matter, because a server behind a TLS
 * terminator may not know its own: the request goes to the configured upstream again.
 */
function sameHostPath (request: SentRequest, status: number, location: Location): string | undefined {
  if (status !== 307 && status !== 308) return undefined
  const url = resolveLocation(request, location)
  return url !== undefined && request.hosts.includes(url.host) ? url.pathname + url.search : undefined
}

function resolveLocation ({ path, hosts }: SentRequest, location: Location): URL | undefined {
  const base = `http://${hosts[0]}${path}`
  return typeof location === 'string' && URL.canParse(location, base) ? new URL(location, base) : undefined
}
