import { pass, warn, type Outcome } from './check.js'
import { headerOf, isSuccess, type HttpResponse, type Send } from './exchange.js'
import { quote } from './quote.js'

/** Sends the preflight of a web page that wants to POST with these headers (Fetch, CORS-preflight fetch). */
export function sendPreflight (
  send: Send, url: string, origin: string, headers: readonly string[]
): Promise<HttpResponse> {
  return send({
    method: 'OPTIONS',
    url,
    headers: [
      ['Origin', origin],
      ['Access-Control-Request-Method', 'POST'],
      ['Access-Control-Request-Headers', headers.join(',')]
    ]
  })
}

/** Tells whether a page of an origin may read a response (Fetch, CORS check, without credentials). */
export function allowsOrigin (response: HttpResponse, origin: string): boolean {
  const allowed = headerOf(response, 'access-control-allow-origin')
  return allowed === '*' || allowed === origin
}

/** Returns the outcome of a check that asks whether a page of an origin may read a response. */
export function expectReadable (response: HttpResponse, origin: string): Outcome {
  if (allowsOrigin(response, origin)) return pass()
  const allowed = headerOf(response, 'access-control-allow-origin')
  const seen = allowed === undefined
    ? 'without Access-Control-Allow-Origin'
    : `with Access-Control-Allow-Origin: ${quote(allowed)}`
  return warn(`answered ${response.status} ${seen} (expected "*" or ${quote(origin)})`)
}

/** Returns the outcome of a check that asks whether a preflight allows a page of an origin. */
export function expectPreflight (response: HttpResponse, origin: string): Outcome {
  if (!isSuccess(response)) return warn(`OPTIONS is answered ${response.status}`)
  return expectReadable(response, origin)
}

/** Returns the header names that a response lists in one of its headers, in lower case. */
export function listedHeaders (response: HttpResponse, name: string): ReadonlySet<string> {
  return new Set((headerOf(response, name) ?? '').split(',').map((item) => item.trim().toLowerCase()))
}
