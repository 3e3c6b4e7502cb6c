import type { Environment, VariableName } from './environment.js'
import { DOCUMENT, missing, readAdvertised, readDocument, readResourceId, readToolScopes, readUrl } from './preset-variable.js'
import type { Problem } from './problem.js'

/** A configuration file made of environment variables. */
export interface Preset {
  readonly name: string
  /** What validateFile takes; parts whose variables are wrong are left out. */
  readonly file: Readonly<Record<string, unknown>>
  /** Place in `file` → variable that decides what stands there and below. */
  readonly variables: Readonly<Record<string, string>>
  readonly problems: readonly Problem[]
}

/**
 * Returns the configuration of a Scalekit set-up from the variables of its own `.env`, or undefined when there are
 * none. Like the originals, both trust one authorization server by the keys of its environment, and without
 * TOOL_SCOPES allow every tool to every accepted token.
 */
export function buildPreset (env: Environment): Preset | undefined {
  const names = Object.keys(env) as VariableName[]
  const scalekit = names.filter((name) => name.startsWith('SCALEKIT_'))
  const sk = names.filter((name) => name.startsWith('SK_'))
  const sdk = [...sk, ...names.filter((name) => name === 'EXPECTED_AUDIENCE' || name === 'PROTECTED_RESOURCE_METADATA')]
  if (sk.length > 0 && scalekit.length > 0) return mixed(scalekit, sk)
  if (sdk.length > 0 && env.SCALEKIT_RESOURCE_ID !== undefined) return mixed(['SCALEKIT_RESOURCE_ID'], sdk)
  if (sdk.length > 0) return buildSdkPreset(env)
  return scalekit.length > 0 || env.MCP_URL !== undefined ? buildFastMcpPreset(env) : undefined
}

/** Both set-ups. The policy is what its own variable says, or the lack of it. */
const POLICY_VARIABLES = { 'policy.tools': 'TOOL_SCOPES', 'policy.unlisted': 'TOOL_SCOPES (not set)' }

/** Guessing which of two set-ups is meant would mean guessing whose tokens to accept. */
function mixed (one: readonly string[], other: readonly string[]): Preset {
  const place = 'environment'
  const message = `mixes the variables of two set-ups, ${one.join(', ')} (FastMCP) and ${other.join(', ')} (SDK): keep those of one`
  return {
    name: place,
    file: {},
    variables: { resource: place, upstream: place, authorizationServers: place },
    problems: [{ place, message }]
  }
}

function buildFastMcpPreset (env: Environment): Preset {
  const base = readUrl(env, 'SCALEKIT_ENVIRONMENT_URL', 'the URL of the Scalekit environment')
  const mcp = readUrl(env, 'MCP_URL', 'the public URL of the MCP server')
  const id = readResourceId(env)
  const policy = readToolScopes(env)
  const environmentUrl = base.value?.replace(/\/+$/, '')
  const issuer = `${environmentUrl}/resources/${id.value}`
  const isKnown = environmentUrl !== undefined && id.value !== undefined
  return {
    name: 'environment variables of FastMCP with ScalekitProvider',
    file: {
      ...(mcp.value === undefined ? {} : { resource: endpointOf(mcp.value), audience: [id.value ?? '?', mcp.value] }),
      ...upstreamOf(env),
      ...(isKnown ? { authorizationServers: [{ issuer, issuers: [environmentUrl], jwksUri: `${environmentUrl}/keys` }] } : {}),
      ...policyOf(policy.value)
    },
    variables: {
      resource: 'MCP_URL',
      upstream: 'UPSTREAM_URL',
      authorizationServers: environmentUrl === undefined ? 'SCALEKIT_ENVIRONMENT_URL' : 'SCALEKIT_RESOURCE_ID',
      'authorizationServers[0].issuer': 'SCALEKIT_ENVIRONMENT_URL',
      'authorizationServers[0].issuers[0]': 'SCALEKIT_ENVIRONMENT_URL',
      'authorizationServers[0].jwksUri': 'SCALEKIT_ENVIRONMENT_URL',
      ...POLICY_VARIABLES
    },
    problems: [...base.problems, ...id.problems, ...mcp.problems, ...policy.problems]
  }
}

/** Registered as base URL by some guides and as the URL of the endpoint by others; FastMCP serves `/mcp` either way. */
function endpointOf (mcpUrl: string): string {
  return /\/mcp\/?$/.test(mcpUrl) ? mcpUrl : `${mcpUrl.replace(/\/+$/, '')}/mcp`
}

function buildSdkPreset (env: Environment): Preset {
  const baseName = env.SK_ENV_URL === undefined && env.SCALEKIT_ENVIRONMENT_URL !== undefined ? 'SCALEKIT_ENVIRONMENT_URL' : 'SK_ENV_URL'
  const base = readUrl(env, baseName, 'the URL of the Scalekit environment')
  const document = readDocument(env)
  const policy = readToolScopes(env)
  const issuers = readAdvertised(document.value)
  const environmentUrl = base.value?.replace(/\/+$/, '')
  const { resource, authorization_servers: _, ...metadata } = document.value ?? {}
  return {
    name: 'environment variables of the Scalekit SDK',
    file: {
      ...(resource === undefined ? {} : { resource }),
      ...upstreamOf(env),
      ...(environmentUrl === undefined ? {} : { authorizationServers: trust(environmentUrl, issuers.value) }),
      ...(env.EXPECTED_AUDIENCE === undefined ? {} : { audience: [env.EXPECTED_AUDIENCE] }),
      metadata: withoutEmptyScopes(metadata),
      ...policyOf(policy.value)
    },
    variables: {
      resource: document.value === undefined ? DOCUMENT : `${DOCUMENT}.resource`,
      metadata: DOCUMENT,
      upstream: 'UPSTREAM_URL',
      authorizationServers: baseName,
      'authorizationServers[0].issuer': baseName,
      'authorizationServers[0].issuers[0]': baseName,
      ...Object.fromEntries(issuers.value.flatMap((_, index) => [
        [`authorizationServers[${index}].issuer`, `${DOCUMENT}.authorization_servers[${index}]`],
        [`authorizationServers[${index}].jwksUri`, baseName]
      ])),
      ...POLICY_VARIABLES
    },
    problems: [
      ...base.problems,
      ...env.EXPECTED_AUDIENCE === undefined ? [missing('EXPECTED_AUDIENCE', 'the Server URL as registered in the Scalekit dashboard')] : [],
      ...document.problems,
      ...issuers.problems,
      ...policy.problems
    ]
  }
}

/**
 * The document's issuers are trusted like the environment's own: an environment moves from one to the other and signs
 * with the same keys. Published is what the document says.
 */
function trust (environmentUrl: string, advertised: readonly string[]): object[] {
  const jwksUri = `${environmentUrl}/keys`
  const [first = environmentUrl, ...others] = advertised
  const isAdvertised = first === environmentUrl || others.includes(environmentUrl)
  return [
    { issuer: first, ...(isAdvertised ? {} : { issuers: [environmentUrl] }), jwksUri },
    ...others.map((issuer) => ({ issuer, jwksUri }))
  ]
}

/** Behaviour R3: left out rather than published empty. */
function withoutEmptyScopes ({ scopes_supported: scopes, ...rest }: Record<string, unknown>): object {
  return scopes === undefined || (Array.isArray(scopes) && scopes.length === 0) ? rest : { ...rest, scopes_supported: scopes }
}

function upstreamOf ({ UPSTREAM_URL: upstream }: Environment): object {
  return upstream === undefined ? {} : { upstream }
}

function policyOf (policy: object | undefined): object {
  return policy === undefined ? {} : { policy }
}
