import { placesOf } from './authorization-server.js'
import type { Context } from './context.js'
import { NoResponse, type HttpResponse } from './exchange.js'
import { fetchMetadata } from './find-metadata.js'
import { readRpc } from './messages.js'

/** Why the checks of the resource are skipped. */
export const IS_ISSUER = 'the URL is the issuer of an authorization server'

/**
 * Returns the issuer, as its metadata spells it, when the examined URL is not an MCP endpoint but the issuer
 * of an authorization server. What asks for a token, speaks JSON-RPC or has protected resource metadata is
 * taken for an MCP endpoint, whatever else is there.
 */
export async function recogniseIssuer (context: Context): Promise<string | undefined> {
  const bare = await bareResponse(context)
  if (bare === undefined || bare.status === 401 || readRpc(bare) !== undefined) return undefined
  if ((await context.metadata()).used !== undefined) return undefined
  for (const [, url] of placesOf(context.identifier, context.url)) {
    const place = await fetchMetadata(url, context.url, context.send)
    const issuer = place.kind === 'found' ? place.document['issuer'] : undefined
    if (typeof issuer === 'string' && withoutSlash(issuer) === withoutSlash(context.identifier)) return issuer
  }
  return undefined
}

async function bareResponse (context: Context): Promise<HttpResponse | undefined> {
  try {
    return await context.bare()
  } catch (error) {
    if (error instanceof NoResponse) return undefined
    throw error
  }
}

function withoutSlash (url: string): string {
  return url.replace(/\/$/, '')
}
