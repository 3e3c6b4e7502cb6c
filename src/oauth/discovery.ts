import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import { describeUrl, describeValue } from './describe.js'
import { DEFAULT_TIMEOUT_MS, FetchFailed, fetchJson, type FetchSettings } from './fetch-json.js'
import type { JsonObject } from './json-object.js'

/** An authorization server metadata document (RFC 8414 §2) whose issuer has been checked. */
export interface AuthorizationServerMetadata {
  readonly issuer: string
  readonly [member: string]: unknown
}

/**
 * Returns the metadata document of an authorization server: the first one, in the order of metadataUrls,
 * whose `issuer` is configured (RFC 8414 §3.3). All of them together have the time limit of one document,
 * because they are mostly on the same host. Throws FetchFailed, which says for each URL what went wrong.
 */
export async function discover (
  config: AuthorizationServerConfig, settings: FetchSettings
): Promise<AuthorizationServerMetadata> {
  const issuers = [config.issuer, ...config.issuers]
  const urls = config.metadataUrl === undefined ? issuers.flatMap(metadataUrls) : [config.metadataUrl]
  if (urls.length === 0) {
    const message = `issuer ${describeValue(config.issuer)} is not a URL: configure metadataUrl or jwksUri`
    throw new FetchFailed(message, 'silent')
  }
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), settings.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  try {
    return await fetchFirst(urls, issuers, { ...settings, deadline: deadline.signal })
  } finally {
    clearTimeout(timer)
  }
}

type WithDeadline = FetchSettings & { readonly deadline: AbortSignal }

/** A connection that is refused, reset or broken off says nothing about the next place. */
async function fetchFirst (
  urls: readonly string[], issuers: readonly string[], settings: WithDeadline
): Promise<AuthorizationServerMetadata> {
  const problems: string[] = []
  let host: 'answered' | 'silent' = 'answered'
  for (const url of urls) {
    try {
      return checkIssuer(await fetchJson(url, settings), url, issuers)
    } catch (error) {
      if (!(error instanceof FetchFailed)) throw error
      problems.push(error.message)
      host = error.host
      if (settings.deadline.aborted) break
    }
  }
  throw new FetchFailed(problems.join('; '), host)
}

/**
 * Returns the URLs at which the metadata of an issuer can be, in the order of behaviour A5: RFC 8414 §3.1
 * with the path inserted, OpenID Connect with the path inserted (RFC 8414 §5), OpenID Connect Discovery §4
 * with the path in front. Without a path the last two are the same. Empty when the issuer is not a URL.
 */
export function metadataUrls (issuer: string): readonly string[] {
  if (!URL.canParse(issuer)) return []
  const { origin, pathname, protocol } = new URL(issuer)
  if (protocol !== 'https:' && protocol !== 'http:') return []
  const path = pathname.replace(/\/$/, '')
  return [...new Set([
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`
  ])]
}

function checkIssuer (
  document: JsonObject, url: string, issuers: readonly string[]
): AuthorizationServerMetadata {
  const { issuer } = document
  if (typeof issuer === 'string' && issuers.includes(issuer)) return { ...document, issuer }
  const [found, expected] = [describeValue(issuer), issuers.map(describeValue).join(' or ')]
  throw new FetchFailed(`${describeUrl(url)} names the issuer ${found}, not ${expected}`, 'answered')
}
