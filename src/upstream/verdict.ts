import type { UpstreamFailure } from './failure.js'

/** What becomes of an answer, known from its head. */
export type Verdict =
  | { readonly as: 'answer' }
  /** Send the same request to this path and query of the same upstream. */
  | { readonly as: 'redirect', readonly path: string }
  | { readonly as: 'failure', readonly failure: UpstreamFailure }

/** A request as it was sent. */
export interface SentRequest {
  /** Path and query. */
  readonly path: string
  /** The upstream's own authority, and the `Host` it was addressed with. */
  readonly hosts: readonly string[]
  /** How many redirects led to it. */
  readonly redirects: number
}

/** How many redirects are followed for one request (F8). */
const MAX_REDIRECTS = 3

/**
 * Judges an answer by its head: refusals of the gateway itself must not look like refusals of the
 * client (F7), redirects are followed or failures (F8), all else is passed on.
 */
export function judgeAnswer (request: SentRequest, status: number, location: string | string[] | undefined): Verdict {
  if (status === 401 || status === 403 || status === 407) {
    return failure('refused', `the upstream answered ${status}; check upstreamHeaders, and its own Host and Origin checks`)
  }
  if (status > 599) return failure('broken', `the upstream answered with a status of ${status}`)
  // 304 is an answer.
  if (status < 300 || status >= 400 || status === 304) return { as: 'answer' }
  const path = request.redirects < MAX_REDIRECTS ? sameHostPath(request, status, location) : undefined
  return path === undefined
    ? failure('redirect', `the upstream answered ${status} ${describeLocation(request, location)}`)
    : { as: 'redirect', path }
}

function failure (kind: UpstreamFailure['kind'], reason: string): Verdict {
  return { as: 'failure', failure: { kind, reason } }
}

/** For the log, where no query and no password belongs (O5). */
function describeLocation (request: SentRequest, location: string | string[] | undefined): string {
  if (location === undefined) return 'without a Location'
  const url = resolveLocation(request, location)
  return url === undefined ? 'with a Location that is no URL' : `to ${url.protocol}//${url.host}${url.pathname}`
}

/**
 * Path and query of a redirect that keeps method and body (RFC 9110 §15.4.8, §15.4.9) and names
 * the upstream itself. Only these are used: the request goes to the configured upstream again,
 * whatever the scheme, for a server behind a TLS terminator may not know its own.
 */
function sameHostPath (request: SentRequest, status: number, location: string | string[] | undefined): string | undefined {
  if (status !== 307 && status !== 308) return undefined
  const url = resolveLocation(request, location)
  return url !== undefined && request.hosts.includes(url.host) ? url.pathname + url.search : undefined
}

function resolveLocation ({ path, hosts }: SentRequest, location: string | string[] | undefined): URL | undefined {
  const base = `http://${hosts[0]}${path}`
  return typeof location === 'string' && URL.canParse(location, base) ? new URL(location, base) : undefined
}
