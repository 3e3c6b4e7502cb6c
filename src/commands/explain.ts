import type { ServerConfig } from '../options/server.js'
import type { Proxies } from '../options/environment.js'
import { openFetch } from '../proxied-fetch.js'
import { createServices } from '../services.js'
import { createAccessTokenVerifier } from '../oauth/access-token.js'
import { AuthorizationServerUnavailable, InvalidToken } from '../oauth/failures.js'
import { explainDecision, formatExplanation } from '../policy/explain.js'
import type { Operation } from '../policy/policy.js'
import { printable } from '../policy/printable.js'
import { SILENT } from '../telemetry/logger.js'
import type { FlagsOf } from './command-line.js'
import { loadForCommand, reportConfigError } from './configuration.js'
import { EXIT, readSecret, UsageError, type Output } from './io.js'

export type ExplainFlags = FlagsOf<'explain'>

/** The flags that name a target, and the method that acts on it. */
const TARGET_FLAGS = [
  { flag: 'tool', method: 'tools/call', kind: 'tools' },
  { flag: 'prompt', method: 'prompts/get', kind: 'prompts' },
  { flag: 'mcp-resource', method: 'resources/read', kind: 'resources' }
] as const

/** Prints the decision about one operation, and the rule behind it. Returns 0 when it is allowed, else 1. */
export async function explain (flags: ExplainFlags, output: Output): Promise<number> {
  const operations = readOperations(flags)
  if ((flags.scopes === undefined) === (flags.token === undefined)) {
    throw new UsageError('explain needs either --scopes or --token')
  }
  try {
    const { config, proxies = {} } = await loadForCommand(flags)
    const server = chooseServer(config.servers, flags.resource)
    const scopes = flags.token === undefined
      ? new Set(splitWords(flags.scopes ?? ''))
      : await readScopes(readSecret(flags.token), server, proxies, output)
    if (scopes === undefined) return EXIT.failure
    const explanation = explainDecision(server.policy, operations, scopes)
    const isAllowed = explanation.decision.effect === 'allow'
    const [outcome = '', ...lines] = formatExplanation(explanation).trimEnd().split('\n')
    output.print([output.paint(isAllowed ? 'green' : 'red', outcome), ...lines].join('\n'))
    return isAllowed ? EXIT.ok : EXIT.failure
  } catch (error) {
    return reportConfigError(error, output)
  }
}

function readOperations (flags: ExplainFlags): Operation[] {
  const named: Operation[][] = TARGET_FLAGS.flatMap(({ flag, method, kind }) => {
    const name = flags[flag]
    return name === undefined ? [] : [[{ method }, { method, target: { kind, name } }]]
  })
  if (flags.method !== undefined) named.push([{ method: flags.method }])
  const [operations, ...more] = named
  if (operations !== undefined && more.length === 0) return operations
  throw new UsageError('explain needs one of --tool, --prompt, --mcp-resource, --method')
}

function chooseServer (servers: readonly ServerConfig[], resource: string | undefined): ServerConfig {
  const chosen = resource === undefined ? servers : servers.filter((server) => server.resource === resource)
  const [server] = chosen
  if (server === undefined || chosen.length > 1) {
    const resources = servers.map((one) => one.resource).join(', ')
    throw new UsageError(`choose the protected resource with --resource: ${resources}`)
  }
  return server
}

function splitWords (text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

/** Verifies a token as the gateway does, and prints whom it speaks for. Undefined when it is refused. */
async function readScopes (
  token: string, server: ServerConfig, proxies: Proxies, output: Output
): Promise<ReadonlySet<string> | undefined> {
  const services = createServices({ logger: SILENT, sessionKey: '', fetch: await openFetch(proxies) })
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
    output.print(printable(describeFailure(error)))
    return undefined
  }
}

/** Returns why a token is not accepted, or cannot be verified. Rethrows other errors. */
function describeFailure (error: unknown): string {
  if (error instanceof InvalidToken) return `the token is not accepted: ${error.reason}`
  if (error instanceof AuthorizationServerUnavailable) return `the token cannot be checked: ${error.message}`
  throw error
}
