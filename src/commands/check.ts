import { buildApp } from '../http/app.js'
import { createServices } from '../http/services.js'
import { metadataUrl } from '../oauth/protected-resource.js'
import { describePolicy, formatMatrix, formatRules } from '../policy/describe.js'
import { openLogger } from '../telemetry/logger.js'
import type { ServerConfig } from '../config/schema.js'
import { loadForCommand, reportConfigError, type CommonFlags } from './configuration.js'
import { EXIT, type Output } from './io.js'

/** Goes as far as `serve` does before it listens, and prints every problem, or what would be served. */
export async function check (flags: CommonFlags, output: Output): Promise<number> {
  try {
    const { config, source, warnings } = await loadForCommand(flags)
    const app = await buildApp(config, createServices({ logger: openLogger('silent'), sessionKey: '' }))
    await app.close()
    output.print(`ok: ${source}`)
    output.print(`would listen on ${config.listen.host}:${config.listen.port}`)
    for (const server of config.servers) printServer(server, output)
    for (const warning of [...warnings, ...config.servers.flatMap(({ policy }) => describePolicy(policy).warnings)]) output.print(`warning: ${warning}`)
    return EXIT.ok
  } catch (error) {
    return reportConfigError(error, output)
  }
}

function printServer (server: ServerConfig, output: Output): void {
  const description = describePolicy(server.policy)
  output.print('')
  output.print(`resource               ${server.resource}`)
  output.print(`metadata               ${metadataUrl(server.resource)}`)
  output.print(`upstream               ${server.upstream}`)
  output.print(`accepted audiences     ${server.audience.join(', ')}`)
  for (const { issuer } of server.authorizationServers) output.print(`authorization server   ${issuer}`)
  output.print('')
  output.print(formatRules(description))
  if (description.scopes.length === 0) return
  output.print('')
  output.print(formatMatrix(description))
}
