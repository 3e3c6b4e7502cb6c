import { isLoopback } from '../options/loopback.js'
import { describeUrl } from './describe.js'
import { parseJsonObject, type JsonObject } from './json-object.js'

/** As much of a response as is read here. */
export interface Fetched {
  readonly status: number
  readonly headers: { get (name: string): string | null }
  readonly body: (AsyncIterable<Uint8Array> & { cancel (): Promise<void> }) | null
}

export interface FetchInit {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: URLSearchParams
}

/** As much of the global `fetch` as is needed here. */
export type Fetch = (
  url: URL, init: FetchInit & { redirect: 'manual', signal: AbortSignal }
) => Promise<Fetched>

/** How documents of an authorization server are fetched. */
export interface FetchSettings {
  readonly fetch: Fetch
  /** Plain http is allowed for hosts that are not loopback, too. */
  readonly allowHttp: boolean
  /** Time limit for one document, redirects and body included. Default 5 s. */
  readonly timeoutMs?: number
  /** Ends the request as well, when several documents have one time limit. */
  readonly deadline?: AbortSignal
}

/** Time limit for one document, or for all places where it may be. */
export const DEFAULT_TIMEOUT_MS = 5_000
const MAX_BYTES = 1_048_576
const MAX_REDIRECTS = 3
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** A document could not be fetched. The message is for the log: which one, and why. */
export class FetchFailed extends Error {
  /** A host that `answered`, even with an error, may have the document at another URL. */
  readonly host: 'answered' | 'silent'
  constructor (message: string, host: 'answered' | 'silent', options?: ErrorOptions) {
    super(message, options)
    this.name = 'FetchFailed'
    this.host = host
  }
}

/**
 * Returns the JSON object at a URL, fetched with GET, or with `init`. Throws FetchFailed. Time and size are
 * limited. Plain http is only for loopback unless allowed (A5). Redirects are followed at most three times,
 * only for GET, and never to another host or from https to http. Not checked: the media type, because real
 * authorization servers send several.
 */
export async function fetchJson (
  url: string, settings: FetchSettings, init: FetchInit = {}
): Promise<JsonObject> {
  const shown = describeUrl(url)
  const abort = new AbortController()
  const timeoutMs = settings.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const timer = setTimeout(() => abort.abort(), timeoutMs)
  const { deadline } = settings
  const signal = deadline === undefined ? abort.signal : AbortSignal.any([abort.signal, deadline])
  try {
    const response = await followRedirects(url, settings, { ...init, signal })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new FetchFailed(`${shown} answered ${response.status}`, 'answered')
    }
    const object = parseJsonObject(await readBody(response, shown))
    if (object === undefined) throw new FetchFailed(`${shown} did not return a JSON object`, 'answered')
    return object
  } catch (error) {
    if (error instanceof FetchFailed) throw error
    const isTimeout = signal.aborted
    const reason = isTimeout ? `no complete response within ${timeoutMs} ms` : describeFailure(error)
    throw new FetchFailed(`${shown}: ${reason}`, 'silent', { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Throws FetchFailed for a URL that may not be fetched. `fetch` refuses a URL with credentials as well, but
 * quotes them in its error.
 */
function checkUrl (url: string, allowHttp: boolean): URL {
  const shown = describeUrl(url)
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:') {
    throw new FetchFailed(`${shown} is not an https URL`, 'silent')
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new FetchFailed(`${shown} has credentials in it`, 'silent')
  }
  if (parsed.protocol === 'https:' || allowHttp || isLoopback(parsed.hostname)) return parsed
  throw new FetchFailed(`${shown} is plain http and not on a loopback host`, 'silent')
}

async function followRedirects (
  url: string, settings: FetchSettings, init: FetchInit & { signal: AbortSignal }
): Promise<Fetched> {
  let current = checkUrl(url, settings.allowHttp)
  for (let followed = 0; ; followed++) {
    const response = await settings.fetch(current, {
      ...init,
      headers: { accept: 'application/json', ...init.headers },
      redirect: 'manual'
    })
    const location = response.headers.get('location')
    if (!REDIRECTS.has(response.status) || location === null) return response
    await response.body?.cancel()
    // The body of a POST is meant only for this endpoint.
    if ((init.method ?? 'GET') !== 'GET') throw new FetchFailed(`${describeUrl(url)} redirects`, 'answered')
    if (followed === MAX_REDIRECTS) {
      throw new FetchFailed(`${describeUrl(url)} redirects more than ${MAX_REDIRECTS} times`, 'answered')
    }
    current = checkUrl(checkRedirect(current, location), settings.allowHttp)
  }
}

function checkRedirect (from: URL, location: string): string {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  const staysOnHost = to !== undefined && to.host === from.host
  if (staysOnHost && (to.protocol === from.protocol || to.protocol === 'https:')) return to.href
  const shown = describeUrl(from.href)
  throw new FetchFailed(`${shown} redirects to ${to?.origin ?? 'no URL'}, which is not followed`, 'answered')
}

/** Counts decoded bytes, so that a compressed body cannot grow beyond the limit. */
async function readBody (response: Fetched, shown: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    // Leaving the loop cancels the stream.
    if (size > MAX_BYTES) throw new FetchFailed(`${shown} returned more than ${MAX_BYTES} bytes`, 'answered')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

/** undici's message is only "fetch failed"; what happened is in its cause. */
function describeFailure (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause
  if (!(cause instanceof Error)) return error.message
  const code = (cause as { code?: unknown }).code
  return `${error.message}: ${typeof code === 'string' ? code : cause.message}`
}
