import type { LoadedConfig } from '../config/load.js'
import { buildProtectedResourceMetadata, metadataUrl } from '../oauth/protected-resource.js'
import { acceptedAudience } from '../oauth/token-rules.js'
import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import type { Config } from '../options/gateway.js'
import type { ServerConfig } from '../options/server.js'
import { compilePolicy } from '../policy/compile.js'
import { describePolicy, formatMatrix, formatRules } from '../policy/describe.js'
import { formatColumns, printable } from '../policy/printable.js'
import type { JsonDocument } from './json.js'
import type { LiveFinding } from './live.js'
import type { Paint } from './paint.js'

/** What `check` has to say about a configuration without problems. */
export interface CheckReport {
  readonly loaded: LoadedConfig
  /** For each protected server, when the servers were asked. */
  readonly live: ReadonlyArray<readonly LiveFinding[]> | undefined
}

const MARKS = {
  pass: { mark: '✓', style: 'green' },
  fail: { mark: '✗', style: 'red' },
  warn: { mark: '!', style: 'yellow' }
} as const

/** Returns whether everything that was asked of servers holds. */
export function isOk ({ live = [] }: CheckReport): boolean {
  return live.flat().every(({ result }) => result !== 'fail')
}

/** Returns the report for people, safe to print on a terminal. */
export function formatCheck ({ loaded, live }: CheckReport, paint: Paint): string {
  const { config, source, warnings } = loaded
  return [
    `${paint('green', 'ok:')} ${source}`,
    `would listen on ${formatListener(config.listen)}`,
    ...config.admin === undefined ? [] : [`would listen on ${formatListener(config.admin)} for the operator`],
    ...config.servers.flatMap((server, index) => ['', ...formatServer(server, live?.[index] ?? [], paint)]),
    ...warnings.length === 0 ? [] : ['', ...warnings.map((warning) => formatWarning(warning, paint))]
  ].join('\n')
}

function formatListener ({ host, port }: Config['listen']): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function formatServer (server: ServerConfig, live: readonly LiveFinding[], paint: Paint): string[] {
  const description = describePolicy(server.policy)
  return [
    formatColumns([
      ['resource', server.resource],
      ['metadata', metadataUrl(server.resource)],
      ['upstream', server.upstream],
      ...server.authorizationServers.flatMap((one) =>
        describeAuthorizationServer(one, acceptedAudience(server, one)))
    ]).trimEnd(),
    '',
    formatRules(description).trimEnd(),
    ...description.scopes.length === 0 ? [] : ['', formatMatrix(description).trimEnd()],
    ...live.length === 0 ? [] : ['', 'live', ...live.map((finding) => formatFinding(finding, paint))],
    ...listWarnings(server).flatMap((warning) => ['', formatWarning(warning, paint)])
  ]
}

function formatWarning (warning: string, paint: Paint): string {
  return `${paint('yellow', 'warning:')} ${printable(warning)}`
}

function formatFinding ({ result, about, detail }: LiveFinding, paint: Paint): string {
  const { mark, style } = MARKS[result]
  return `  ${paint(style, mark)} ${printable(`${about}: ${detail}`)}`
}

/** Returns rows that say whose tokens are accepted, and which of those. */
function describeAuthorizationServer (
  server: AuthorizationServerConfig, audience: readonly string[]
): string[][] {
  const { issuer, issuers, jwksUri, clientIds } = server
  return [
    ['authorization server', issuer],
    ...issuers.map((other) => ['  or as issuer', other]),
    ['  keys', jwksUri ?? 'as its metadata says'],
    clientIds === undefined
      ? ['  audiences', audience.join(', ')]
      : ['  client ids', clientIds.join(', ')]
  ]
}

/** Warnings that only somebody who looks at the whole policy wants to read, not the log at each start. */
function listWarnings (server: ServerConfig): string[] {
  const unused = describePolicy(server.policy).warnings.map((warning) => `policy.${warning}`)
  return [...unused, ...warnAboutPublishedScopes(server)]
}

/** Clients ask for all published scopes at the first login (MCP authorization, Scope Selection Strategy). */
function warnAboutPublishedScopes (server: ServerConfig): string[] {
  const { scopes } = compilePolicy(server.policy)
  const published = new Set(buildProtectedResourceMetadata(server, scopes).scopes_supported)
  if (scopes.length < 2 || !scopes.every((scope) => published.has(scope))) return []
  return [
    'scopes_supported: publishes every scope of the policy, and clients ask for all of them at the first ' +
    'login; if the authorization server lets registered clients ask for more later ' +
    '(postern doctor --register), defaultScopes can name fewer'
  ]
}

/** Returns the report for programs. */
export function toDocument (report: CheckReport): JsonDocument {
  const { loaded: { config, source, warnings }, live } = report
  return {
    version: 1,
    ok: isOk(report),
    source,
    listen: config.listen,
    ...config.admin === undefined ? {} : { admin: { host: config.admin.host, port: config.admin.port } },
    servers: config.servers.map((server, index) => ({
      resource: server.resource,
      metadata: metadataUrl(server.resource),
      upstream: server.upstream,
      authorizationServers: server.authorizationServers.map((one) => ({
        issuers: [one.issuer, ...one.issuers],
        ...one.jwksUri === undefined ? {} : { jwksUri: one.jwksUri },
        ...one.clientIds === undefined
          ? { audiences: acceptedAudience(server, one) }
          : { clientIds: one.clientIds }
      })),
      rules: describePolicy(server.policy).rows
        .map(({ kind, name, alternatives }) => ({ kind, name, alternatives })),
      warnings: listWarnings(server),
      ...live === undefined ? {} : { live: live[index] }
    })),
    warnings
  }
}
