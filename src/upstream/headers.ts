import type { IncomingHttpHeaders } from 'node:http'

type Headers = Record<string, string | string[]>

/** The media type of server-sent events. */
export const EVENT_STREAM = 'text/event-stream'

/** What the upstream may learn about the caller (F2). An absent or undefined member is not sent. */
export interface Identity {
  readonly subject?: string | undefined
  readonly clientId?: string | undefined
  readonly issuer?: string | undefined
  readonly scopes?: Iterable<string> | undefined
}

export interface RequestHeaderOptions {
  /** Value of `Host` for the upstream. */
  readonly host: string
  readonly identity: Identity
  /** The operator's static headers, with names in lower case. They win over the client's. */
  readonly fixed: Readonly<Record<string, string>>
  /** Headers of the client that the operator removes, in addition to those of every configuration. */
  readonly removed?: HeaderNames | undefined
  /** The id under which the log has the request. */
  readonly requestId?: string | undefined
  /** The upstream's own session id, without the MAC of the gateway (F10). */
  readonly sessionId?: string | undefined
}

/** Header names in lower case, and beginnings of them. */
export interface HeaderNames {
  readonly names: ReadonlySet<string>
  readonly prefixes: readonly string[]
}

/**
 * Never sent to the upstream (F1):
 * - credentials, and hop-by-hop headers (RFC 9110 §7.6.1);
 * - claims about the client that a proxy must not believe;
 * - headers that would turn the message into another request (M3);
 * - framing, which the connection to the upstream has of its own;
 * - headers that the gateway has dealt with: it has checked `Origin` (C1), and sends `Accept-Encoding` and
 *   `X-Request-Id` of its own.
 */
const NOT_SENT = new Set([
  'authorization', 'cookie', 'dpop',
  'proxy', // an environment variable of CGI programs (CVE-2016-5385)
  'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect', 'http2-settings',
  'forwarded', 'x-forwarded', 'via', 'x-real-ip', 'x-client-ip', 'client-ip', 'true-client-ip',
  'cf-connecting-ip', 'cf-connecting-ipv6', 'cf-pseudo-ipv4', 'fastly-client-ip', 'x-cluster-client-ip',
  'x-azure-clientip', 'x-azure-socketip', 'x-appengine-user-ip', 'x-originating-ip', 'x-remote-ip',
  'remote-addr', 'x-remote-addr', 'remote-user', 'x-remote-user', 'x-authenticated-user', 'x-webauth-user',
  'x-http-method-override', 'x-http-method', 'x-method-override',
  'host', 'content-length', 'origin', 'accept-encoding', 'x-request-id', 'mcp-session-id',
  'access-control-request-method', 'access-control-request-headers', 'access-control-request-private-network'
])
const NOT_SENT_PREFIXES = [
  'proxy-', 'x-forwarded-', 'x-postern-', 'x-original-', 'x-rewrite-', 'x-envoy-', 'x-auth-request-',
  'x-ssl-client-', 'ssl-client-', 'x-goog-authenticated-user-', 'x-ms-client-principal', 'x-amzn-oidc-'
]

/**
 * Never returned to the client:
 * - hop-by-hop headers (RFC 9110 §7.6.1);
 * - the upstream's CORS headers (F9) and authentication (F7);
 * - cookies, because the client's cookies are never sent to the upstream;
 * - addresses that mean something only on the inside;
 * - what a cache or server in front obeys before `Cache-Control` (RFC 9213), which is the gateway's to say
 * (F9);
 * - the session id, which is bound before it is given out (F10).
 */
const NOT_RETURNED = new Set([
  'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade',
  'www-authenticate', 'authentication-info', 'set-cookie', 'set-cookie2', 'mcp-session-id', 'alt-svc',
  'strict-transport-security', 'clear-site-data', 'location', 'content-location', 'refresh', 'x-request-id',
  'cdn-cache-control', 'surrogate-control', 'edge-control', 'x-sendfile', 'x-lighttpd-send-file'
])
const NOT_RETURNED_PREFIXES = ['proxy-', 'access-control-', 'x-postern-', 'x-accel-']

/** A vendor's form of `CDN-Cache-Control` (RFC 9213 §3.1), such as `Cloudflare-CDN-Cache-Control`. */
const TARGETED_CACHE_CONTROL = '-cdn-cache-control'

/**
 * CGI, WSGI and PHP turn `-` and any odd character of a name into `_`. So `X_Postern_Subject` or `Mcp.Name`
 * would reach an application as a header that the gateway has set or checked. Like nginx and Apache, the
 * gateway does not send such names. `Mcp-Param-*` is excepted: any name is good there (M6), and the gateway
 * sets no header of that namespace.
 */
const PLAIN_NAME = /^(?:[a-z\d-]+$|mcp-param-)/

function isListed (name: string, names: ReadonlySet<string>, prefixes: readonly string[]): boolean {
  if (names.has(name)) return true
  for (const prefix of prefixes) {
    if (name.startsWith(prefix)) return true
  }
  return false
}

/** Reads the operator's list of names, and of beginnings with `*`; undefined for an empty one. */
export function readHeaderNames (list: readonly string[]): HeaderNames | undefined {
  if (list.length === 0) return undefined
  const lower = list.map((entry) => entry.toLowerCase())
  const isPrefix = (entry: string): boolean => entry.endsWith('*')
  return {
    names: new Set(lower.filter((entry) => !isPrefix(entry))),
    prefixes: lower.filter(isPrefix).map((entry) => entry.slice(0, -1))
  }
}

/** Returns whether the operator sets a header, also when its name has underscores (see `PLAIN_NAME`). */
function isFixed (name: string, fixed: RequestHeaderOptions['fixed']): boolean {
  for (const other in fixed) {
    if (other === name || other.replaceAll('_', '-') === name) return true
  }
  return false
}

/** Returns the header names that `Connection` declares to be hop-by-hop (RFC 9110 §7.6.1). */
function connectionOptions (connection: string | string[] | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  return new Set(String(connection).split(',').map((name) => name.trim().toLowerCase()))
}

/**
 * Returns the headers of the request to the upstream (F1, F2). It reads the headers as Node merged them, so
 * the upstream cannot see a second value that the gateway did not see.
 */
export function buildRequestHeaders (incoming: IncomingHttpHeaders, options: RequestHeaderOptions): Headers {
  // Ours come first: an upstream that drops headers because there are too many drops the client's.
  const headers: Headers = { host: options.host, 'accept-encoding': 'identity', ...options.fixed }
  if (options.requestId !== undefined) headers['x-request-id'] = options.requestId
  addIdentity(headers, options.identity)
  if (options.sessionId !== undefined) headers['mcp-session-id'] = options.sessionId
  const { removed } = options
  const perConnection = connectionOptions(incoming.connection)
  for (const name in incoming) {
    const value = incoming[name]
    if (value === undefined || !PLAIN_NAME.test(name) || isListed(name, NOT_SENT, NOT_SENT_PREFIXES)) continue
    if (perConnection !== undefined && perConnection.has(name)) continue
    if (removed !== undefined && isListed(name, removed.names, removed.prefixes)) continue
    if (isFixed(name, options.fixed)) continue
    headers[name] = value
  }
  return headers
}

function addIdentity (headers: Headers, { subject, clientId, issuer, scopes }: Identity): void {
  if (subject !== undefined) headers['x-postern-subject'] = encodeHeaderValue(subject)
  if (clientId !== undefined) headers['x-postern-client-id'] = encodeHeaderValue(clientId)
  if (issuer !== undefined) headers['x-postern-issuer'] = encodeHeaderValue(issuer)
  if (scopes !== undefined) headers['x-postern-scopes'] = Array.from(scopes, encodeHeaderValue).join(' ')
}

const UNSAFE = /[^\x21-\x7e]|%/u

/**
 * Returns a value with everything but visible ASCII, and `%` itself, percent-encoded as UTF-8 (RFC 3986
 * §2.1). So a claim cannot break a header, and a `%` in it is not taken for the start of an escape.
 */
export function encodeHeaderValue (value: string): string {
  if (!UNSAFE.test(value)) return value
  let encoded = ''
  for (const byte of Buffer.from(value, 'utf8')) {
    encoded += byte > 0x20 && byte < 0x7f && byte !== 0x25
      ? String.fromCharCode(byte)
      : '%' + byte.toString(16).toUpperCase().padStart(2, '0')
  }
  return encoded
}

/** Lets a shared cache give a response to others than the one it was made for (RFC 9111 §3.5). */
const SHARED = /public|s-maxage/i
/** Does so too, but only without one of the directives that follow. */
const REVALIDATED = /must-revalidate/i
/** Standing by itself: `private="x-user"` keeps only that header private (RFC 9111 §5.2.2.7). */
const NOT_SHARED = /(?:^|[\s,])(?:private|no-store)[ \t]*(?:,|$)/i

/**
 * Returns the upstream's response headers that the client may see (F7, F9). They keep proxies from buffering
 * events (F4). They keep shared caches from storing a response that was made for one principal: the upstream
 * does not know that the request needed credentials.
 */
export function buildResponseHeaders (incoming: IncomingHttpHeaders): Headers {
  const headers: Headers = {}
  const perConnection = connectionOptions(incoming.connection)
  for (const name in incoming) {
    const value = incoming[name]
    if (value === undefined || isListed(name, NOT_RETURNED, NOT_RETURNED_PREFIXES)) continue
    if (name.endsWith(TARGETED_CACHE_CONTROL)) continue
    if (perConnection !== undefined && perConnection.has(name)) continue
    headers[name] = value
  }
  if (mayBeShared(String(headers['cache-control']))) headers['cache-control'] = 'no-store'
  if (isEventStream(incoming)) {
    headers['x-accel-buffering'] = 'no'
    delete headers['content-length'] // the gateway may end it earlier (F11, O3), as a complete response
  }
  return headers
}

function mayBeShared (cacheControl: string): boolean {
  return SHARED.test(cacheControl) || (REVALIDATED.test(cacheControl) && !NOT_SHARED.test(cacheControl))
}

/**
 * Returns whether any client could take a response for a stream of server-sent events. Official clients look
 * for the name anywhere in the value of Content-Type. A header that an upstream sends twice is an array.
 */
export function isEventStream ({ 'content-type': type }: IncomingHttpHeaders): boolean {
  return String(type).toLowerCase().includes(EVENT_STREAM)
}
