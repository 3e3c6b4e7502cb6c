import type { ServerConfig } from '../options/server.js'
import { createServices } from '../http/services.js'
import { createAccessTokenVerifier } from '../oauth/access-token.js'
import { AuthorizationServerUnavailable, InvalidToken } from '../oauth/failures.js'
import { explainDecision, formatExplanation } from '../policy/explain.js'
import type { Operation } from '../policy/policy.js'
import { printable } from '../policy/printable.js'
import { openLogger } from '../telemetry/logger.js'
import { loadForCommand, reportConfigError, type CommonFlags } from './configuration.js'
import { EXIT, readSecret, UsageError, type Output } from './io.js'

export interface ExplainFlags extends CommonFlags {
  readonly tool?: string | undefined
  readonly prompt?: string | undefined
  readonly 'mcp-resource'?: string | undefined
  readonly method?: string | undefined
  readonly scopes?: string | undefined
  readonly token?: string | undefined
  readonly resource?: string | undefined
}

/** Prints the decision about one operation and the rule behind it. Returns 0 when it is allowed, 1 when it is not. */
export async function explain (flags: ExplainFlags, output: Output): Promise<number> {
  const operations = readOperations(flags)
  if ((flags.scopes === undefined) === (flags.token === undefined)) throw new UsageError('explain needs either --scopes or --token')
  try {
    const { config } = await loadForCommand(flags)
    const server = chooseServer(config.servers, flags.resource)
    const scopes = flags.token === undefined ? new Set(words(flags.scopes ?? '')) : await scopesOf(readSecret(flags.token), server, output)
    if (scopes === undefined) return EXIT.failure
    const explanation = explainDecision(server.policy, operations, scopes)
    output.print(formatExplanation(explanation).trimEnd())
    return explanation.decision.effect === 'allow' ? EXIT.ok : EXIT.failure
  } catch (error) {
    return reportConfigError(error, output)
  }
}

function readOperations (flags: ExplainFlags): Operation[] {
  const named = [
    flags.tool === undefined ? undefined : { method: 'tools/call', target: { kind: 'tools', name: flags.tool } as const },
    flags.prompt === undefined ? undefined : { method: 'prompts/get', target: { kind: 'prompts', name: flags.prompt } as const },
    flags['mcp-resource'] === undefined ? undefined : { method: 'resources/read', target: { kind: 'resources', name: flags['mcp-resource'] } as const },
    flags.method === undefined ? undefined : { method: flags.method }
  ].filter((operation) => operation !== undefined)
  const [operation] = named
  if (operation === undefined || named.length > 1) throw new UsageError('explain needs one of --tool, --prompt, --mcp-resource, --method')
  return 'target' in operation ? [{ method: operation.method }, operation] : [operation]
}

function chooseServer (servers: readonly ServerConfig[], resource: string | undefined): ServerConfig {
  const chosen = resource === undefined ? servers : servers.filter((server) => server.resource === resource)
  const [server] = chosen
  if (server === undefined || chosen.length > 1) {
    throw new UsageError(`choose the protected resource with --resource: ${servers.map((one) => one.resource).join(', ')}`)
  }
  return server
}

function words (text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

/** Verifies the token as the gateway would, and prints whom it speaks for; undefined when it is not accepted. */
async function scopesOf (token: string, server: ServerConfig, output: Output): Promise<ReadonlySet<string> | undefined> {
  const services = createServices({ logger: openLogger('silent'), sessionKey: '' })
  const verifier = createAccessTokenVerifier({
    server,
    trusted: server.authorizationServers.map((one) => ({
      config: one, authorizationServer: services.authorizationServer(one)
    })),
    now: services.clock.now
  })
  try {
    const { issuer, subject, clientId, scopes } = await verifier.verify(token)
    output.print(printable(`token of ${subject} (client ${clientId ?? 'unknown'}), issued by ${issuer}`))
    return scopes
  } catch (error) {
    if (error instanceof InvalidToken) output.print(printable(`the token is not accepted: ${error.reason}`))
    else if (error instanceof AuthorizationServerUnavailable) output.print(printable(`the token cannot be checked: ${error.message}`))
    else throw error
    return undefined
  }
}
