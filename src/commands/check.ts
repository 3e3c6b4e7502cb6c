import type { AuthorizationServerConfig } from '../options/authorization-server.js'
import type { Config } from '../options/gateway.js'
import type { ServerConfig } from '../options/server.js'
import { buildApp } from '../http/app.js'
import { createServices } from '../services.js'
import { metadataUrl } from '../oauth/protected-resource.js'
import { acceptedAudience } from '../oauth/token-rules.js'
import { describePolicy, formatMatrix, formatRules } from '../policy/describe.js'
import { formatColumns } from '../policy/printable.js'
import { SILENT } from '../telemetry/logger.js'
import { loadForCommand, reportConfigError, type CommonFlags } from './configuration.js'
import { EXIT, type Output } from './io.js'

/** Does what `serve` does before it listens, and prints every problem, or what would be served. */
export async function check (flags: CommonFlags, output: Output): Promise<number> {
  try {
    const { config, source, warnings } = await loadForCommand(flags)
    const app = await buildApp(config, createServices({ logger: SILENT, sessionKey: '' }))
    await app.close()
    output.print(`${output.paint('green', 'ok:')} ${source}`)
    output.print(`would listen on ${formatListener(config.listen)}`)
    if (config.admin !== undefined) {
      output.print(`would listen on ${formatListener(config.admin)} for the operator`)
    }
    for (const server of config.servers) printServer(server, output)
    if (warnings.length > 0) output.print('')
    for (const warning of warnings) printWarning(warning, output)
    return EXIT.ok
  } catch (error) {
    return reportConfigError(error, output)
  }
}

function formatListener ({ host, port }: Config['listen']): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function printServer (server: ServerConfig, output: Output): void {
  const description = describePolicy(server.policy)
  output.print('')
  output.print(formatColumns([
    ['resource', server.resource],
    ['metadata', metadataUrl(server.resource)],
    ['upstream', server.upstream],
    ...server.authorizationServers.flatMap((one) =>
      describeAuthorizationServer(one, acceptedAudience(server, one)))
  ]).trimEnd())
  output.print('')
  output.print(formatRules(description).trimEnd())
  if (description.scopes.length > 0) output.print(`\n${formatMatrix(description).trimEnd()}`)
  for (const warning of description.warnings) {
    output.print('')
    printWarning(`policy.${warning}`, output)
  }
}

function printWarning (warning: string, output: Output): void {
  output.print(`${output.paint('yellow', 'warning:')} ${warning}`)
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
