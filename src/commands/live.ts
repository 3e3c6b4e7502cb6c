import { OldTransport } from '../catalog/connection.js'
import { CatalogError } from '../catalog/exchange.js'
import { listCatalog, type Catalog } from '../catalog/list.js'
import { AuthorizationServerUnavailable } from '../oauth/failures.js'
import { buildProtectedResourceMetadata, publishableScopes } from '../oauth/protected-resource.js'
import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import type { ServerConfig } from '../options/server.js'
import { compilePolicy } from '../policy/compile.js'
import { findUsage } from '../policy/usage.js'
import type { Services } from '../services.js'

/** What `check --live` found. Only `fail` makes it fail. */
export interface LiveFinding {
  readonly result: 'pass' | 'fail' | 'warn'
  /** What it is about: a URL, or the place of a rule. */
  readonly about: string
  /** For people; it may quote what a server sent. */
  readonly detail: string
}

const NAMES = { tools: 'tools', prompts: 'prompts', resources: 'MCP resources' } as const
/** So many names are written out. */
const MOST_NAMES = 20
const LONGEST_NAME = 100

/** Scopes of OpenID Connect (Core §5.4, §11). Some servers list these only, whatever else they have. */
const OPENID_SCOPES: ReadonlySet<unknown> =
  new Set(['openid', 'profile', 'email', 'address', 'phone', 'offline_access'])
/** Other claims hold roles or groups, which no client can ask for. */
const SCOPE_CLAIMS: ReadonlySet<string> = new Set(['scope', 'scp', 'scopes'])

/** Asks the upstream and the authorization servers of a protected server what matters to it. */
export async function examineLive (
  server: ServerConfig, services: Services
): Promise<readonly LiveFinding[]> {
  const findings = await Promise.all([
    examineUpstream(server),
    ...server.authorizationServers.map((one) => examineAuthorizationServer(one, server, services))
  ])
  return findings.flat()
}

async function examineUpstream (server: ServerConfig): Promise<readonly LiveFinding[]> {
  const { upstream: about, upstreamHeaders: headers, policy } = server
  try {
    const catalog = await listCatalog({ upstream: about, headers })
    return [
      { result: 'pass', about, detail: `speaks MCP ${catalog.revision}: ${describeCatalog(catalog)}` },
      ...compareWithPolicy(policy, catalog)
    ]
  } catch (error) {
    if (error instanceof OldTransport) {
      const detail = 'speaks the transport of 2024-11-05, in which its lists are not read here'
      return [{ result: 'warn', about, detail }]
    }
    if (!(error instanceof CatalogError)) throw error
    return [{ result: 'fail', about, detail: error.message }]
  }
}

function describeCatalog ({ tools, prompts, resources, resourceTemplates }: Catalog): string {
  const counts = [
    [tools.length, 'tool'], [prompts.length, 'prompt'],
    [resources.length, 'MCP resource'], [resourceTemplates.length, 'resource template']
  ] as const
  return counts.map(([count, name]) => `${count} ${name}${count === 1 ? '' : 's'}`).join(', ')
}

function compareWithPolicy (policy: ServerConfig['policy'], catalog: Catalog): LiveFinding[] {
  const { idle, unruled } = findUsage(policy, catalog)
  return [
    ...idle.map((rule): LiveFinding => (
      { result: 'warn', about: `policy.${rule}`, detail: 'fits nothing that the upstream lists' }
    )),
    ...unruled.map(({ kind, effect, names }): LiveFinding => ({
      result: 'warn',
      about: `policy.${kind}`,
      detail: `no rule names these ${NAMES[kind]}, so ` +
        `${effect === 'allow' ? 'any accepted token' : 'nobody'} may use them: ${listNames(names)}`
    }))
  ]
}

function listNames (names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES)
    .map((name) => JSON.stringify(name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name))
  const more = names.length - shown.length
  return shown.join(', ') + (more > 0 ? `, and ${more} more` : '')
}

async function examineAuthorizationServer (
  config: AuthorizationServerConfig, server: ServerConfig, services: Services
): Promise<readonly LiveFinding[]> {
  const { issuer: about } = config
  const authorizationServer = services.authorizationServer(config)
  const findings: LiveFinding[] = []
  const attempt = async (severity: 'fail' | 'warn', act: () => Promise<string>): Promise<boolean> => {
    try {
      findings.push({ result: 'pass', about, detail: await act() })
      return true
    } catch (error) {
      if (!(error instanceof AuthorizationServerUnavailable)) throw error
      findings.push({ result: severity, about, detail: withoutIssuer(error.message, about) })
      return false
    }
  }
  // With keys of its own the gateway needs no metadata; clients do.
  const isNeeded = config.jwksUri === undefined
  const hasMetadata = await attempt(isNeeded ? 'fail' : 'warn', async () => {
    const metadata = await authorizationServer.metadata()
    findings.push(...compareScopes(metadata['scopes_supported'], config, server))
    return 'publishes metadata in which it has this name'
  })
  if (!hasMetadata && isNeeded) return findings
  const needsKeys = config.introspection === undefined
  await attempt(needsKeys ? 'fail' : 'warn', async () => {
    await authorizationServer.findKeys(config.algorithms[0] ?? '', undefined)
    return 'publishes keys that verify signatures'
  })
  const asks = authorizationServer.introspectionState
  if (asks !== undefined) {
    await authorizationServer.prepare()
    const detail = `introspection: ${asks()}`
    findings.push({ result: asks() === 'working' ? 'pass' : 'fail', about, detail })
  }
  return findings
}

/** Messages of authorization servers begin with their name, which stands in front of the line already. */
function withoutIssuer (message: string, issuer: string): string {
  const start = `authorization server ${issuer}: `
  return message.startsWith(start) ? message.slice(start.length) : message
}

function compareScopes (
  supported: unknown, { issuer: about, scopeClaim }: AuthorizationServerConfig, server: ServerConfig
): LiveFinding[] {
  if (!Array.isArray(supported) || supported.every((scope) => OPENID_SCOPES.has(scope))) return []
  if (!scopeClaim.some((claim) => SCOPE_CLAIMS.has(claim))) return []
  const { scopes } = compilePolicy(server.policy)
  const published = buildProtectedResourceMetadata(server, scopes).scopes_supported ?? []
  const named = publishableScopes([...scopes, ...published])
  const known = new Set<unknown>(supported)
  const missing = named.filter((scope) => !known.has(scope))
  if (missing.length === 0) return []
  return [{
    result: 'warn',
    about,
    detail: `has not all scopes of the policy in its scopes_supported: ${listNames(missing)} missing; ` +
      'create them there, unless it does not list all that it has'
  }]
}
