import type { Environment, VariableName } from '../options/environment.js'
import { findUrlFault } from '../options/http-url.js'
import { buildPlainPreset } from './plain-preset.js'
import {
  missing, policyOf, POLICY_VARIABLES, readJsonObject, readToolScopes, upstreamOf, type Preset, type Read
} from './preset-parts.js'
import { resultOf, type Result } from './problem.js'

const DOCUMENT = 'PROTECTED_RESOURCE_METADATA'

/**
 * Returns the configuration that the variables make, or undefined when none is set that says whose tokens to
 * accept: those of a plain set-up, or of a Scalekit set-up from its own `.env`. Both of Scalekit's do as the
 * originals: they trust one authorization server, with the keys of its environment. Without TOOL_SCOPES every
 * tool is allowed for every accepted token.
 */
export function buildPreset (env: Environment): Preset | undefined {
  const names = Object.keys(env) as VariableName[]
  const plain = names.filter((name) => name === 'RESOURCE_URL' || name === 'ISSUER_URL')
  const scalekit = names.filter((name) => name.startsWith('SCALEKIT_') || name === 'MCP_URL')
  const sk = names.filter((name) => name.startsWith('SK_'))
  const sdk = [...sk, ...names.filter((name) => name === 'EXPECTED_AUDIENCE' || name === DOCUMENT)]
  const ofFastMcp = scalekit.filter((name) => name !== 'MCP_URL')
  if (plain.length > 0 && scalekit.length + sdk.length > 0) return mixed(plain, [...scalekit, ...sdk])
  if (plain.length > 0) return buildPlainPreset(env)
  if (sk.length > 0 && ofFastMcp.length > 0) return mixed(ofFastMcp, sk)
  if (sdk.length > 0 && env.SCALEKIT_RESOURCE_ID !== undefined) return mixed(['SCALEKIT_RESOURCE_ID'], sdk)
  if (sdk.length > 0) return buildSdkPreset(env)
  return scalekit.length > 0 ? buildFastMcpPreset(env) : undefined
}

/** Returns a problem, because to guess the set-up would be to guess whose tokens to accept. */
function mixed (one: readonly string[], other: readonly string[]): Preset {
  const place = 'environment'
  const message = 'mixes the variables of two set-ups, ' +
    `${nameSetUp(one)} and ${nameSetUp(other)}: keep those of one`
  return {
    ...resultOf({}, [{ place, message }]),
    name: place,
    variables: { resource: place, upstream: place, authorizationServers: place }
  }
}

function nameSetUp (variables: readonly string[]): string {
  const [first = ''] = variables
  const isPlain = first === 'RESOURCE_URL' || first === 'ISSUER_URL'
  const isFastMcp = first.startsWith('SCALEKIT_') || first === 'MCP_URL'
  return `${variables.join(', ')} (${isPlain ? 'plain' : isFastMcp ? 'FastMCP' : 'SDK'})`
}

function buildFastMcpPreset (env: Environment): Preset {
  const base = readUrl(env, 'SCALEKIT_ENVIRONMENT_URL', 'the URL of the Scalekit environment')
  const mcp = readUrl(env, 'MCP_URL', 'the public URL of the MCP server')
  const id = readResourceId(env)
  const policy = readToolScopes(env)
  const environmentUrl = base.value?.replace(/\/+$/, '')
  const issuer = `${environmentUrl}/resources/${id.value}`
  const isKnown = environmentUrl !== undefined && id.value !== undefined
  const authorizationServer = { issuer, issuers: [environmentUrl], jwksUri: `${environmentUrl}/keys` }
  const file = {
    ...(mcp.value === undefined ? {} : addressedBy(mcp.value, id.value)),
    ...upstreamOf(env),
    ...(isKnown ? { authorizationServers: [authorizationServer] } : {}),
    ...policyOf(policy.value)
  }
  const issuerName = environmentUrl === undefined ? 'SCALEKIT_ENVIRONMENT_URL' : 'SCALEKIT_RESOURCE_ID'
  return {
    ...resultOf(file, [...base.problems, ...id.problems, ...mcp.problems, ...policy.problems]),
    name: 'environment variables of FastMCP with ScalekitProvider',
    variables: {
      resource: 'MCP_URL',
      upstream: 'UPSTREAM_URL',
      authorizationServers: issuerName,
      'authorizationServers[0].issuer': 'SCALEKIT_ENVIRONMENT_URL',
      'authorizationServers[0].issuers[0]': 'SCALEKIT_ENVIRONMENT_URL',
      'authorizationServers[0].jwksUri': 'SCALEKIT_ENVIRONMENT_URL',
      ...POLICY_VARIABLES
    }
  }
}

/**
 * Returns the resource and its audiences. Some guides register MCP_URL as the base URL, others as the URL of
 * the endpoint. FastMCP serves `/mcp` in both cases.
 */
function addressedBy (mcpUrl: string, id: string | undefined): object {
  const resource = /\/mcp\/?$/.test(mcpUrl) ? mcpUrl : `${mcpUrl.replace(/\/+$/, '')}/mcp`
  return { resource, audience: [id ?? '?', mcpUrl] }
}

function buildSdkPreset (env: Environment): Preset {
  const isOtherName = env.SK_ENV_URL === undefined && env.SCALEKIT_ENVIRONMENT_URL !== undefined
  const baseName = isOtherName ? 'SCALEKIT_ENVIRONMENT_URL' : 'SK_ENV_URL'
  const base = readUrl(env, baseName, 'the URL of the Scalekit environment')
  const document = readDocument(env)
  const policy = readToolScopes(env)
  const issuers = readAdvertised(document.value)
  const environmentUrl = base.value?.replace(/\/+$/, '')
  const { resource, authorization_servers: _, ...metadata } = document.value ?? {}
  const file = {
    ...(resource === undefined ? {} : { resource }),
    ...upstreamOf(env),
    ...(environmentUrl === undefined ? {} : { authorizationServers: trust(environmentUrl, issuers.value) }),
    ...(env.EXPECTED_AUDIENCE === undefined ? {} : { audience: [env.EXPECTED_AUDIENCE] }),
    metadata: withoutEmptyScopes(metadata),
    ...policyOf(policy.value)
  }
  const audience = env.EXPECTED_AUDIENCE === undefined
    ? [missing('EXPECTED_AUDIENCE', 'the Server URL as registered in the Scalekit dashboard')]
    : []
  const problems = [base.problems, audience, document.problems, issuers.problems, policy.problems].flat()
  return {
    ...resultOf(file, problems),
    name: 'environment variables of the Scalekit SDK',
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
    }
  }
}

/**
 * Returns the authorization servers: the issuers of the document and the environment's own. All are trusted
 * alike, because an environment moves from one to the other and signs with the same keys. Only the issuers of
 * the document are published.
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

/** Returns the metadata without `scopes_supported` when that is empty: it is not published then (R3). */
function withoutEmptyScopes ({ scopes_supported: scopes, ...rest }: Record<string, unknown>): object {
  const isEmpty = scopes === undefined || (Array.isArray(scopes) && scopes.length === 0)
  return isEmpty ? rest : { ...rest, scopes_supported: scopes }
}

type UrlVariable = 'SCALEKIT_ENVIRONMENT_URL' | 'SK_ENV_URL' | 'MCP_URL'

/** Returns an http(s) URL without query and fragment. */
function readUrl (env: Environment, name: UrlVariable, what: string): Read<string> {
  const value = env[name]
  if (value === undefined) return resultOf(value, [missing(name, what)])
  const fault = findUrlFault(value, { query: 'refused' })
  return fault === undefined ? resultOf(value) : resultOf(undefined, [{ place: name, message: fault }])
}

/** Returns the id of the MCP server, which becomes part of an issuer. */
function readResourceId (env: Environment): Read<string> {
  const place = 'SCALEKIT_RESOURCE_ID'
  const value = env[place]
  const what = 'the id of the MCP server in the Scalekit dashboard, which starts with res_'
  if (value === undefined) return resultOf(value, [missing(place, what)])
  if (/^res_[\w.~-]+$/.test(value)) return resultOf(value)
  return resultOf(undefined, [{ place, message: `must be ${what}` }])
}

/** Returns the protected resource metadata document as the dashboard shows it. */
function readDocument (env: Environment): Read<Record<string, unknown>> {
  const text = env[DOCUMENT]
  const what = 'the metadata document in the Scalekit dashboard, JSON on one line between single quotes'
  if (text === undefined) return resultOf(text, [missing(DOCUMENT, what)])
  return readJsonObject(DOCUMENT, text, what)
}

/** Returns the issuers that the document names, each once and verbatim; none when it names none. */
function readAdvertised (document: Readonly<Record<string, unknown>> | undefined): Result<string[]> {
  const advertised = document?.authorization_servers
  if (advertised === undefined) return resultOf([])
  if (isNonEmptyList(advertised)) return resultOf([...new Set(advertised)])
  const place = `${DOCUMENT}.authorization_servers`
  return resultOf([], [{ place, message: 'must be a non-empty array of URLs' }])
}

function isNonEmptyList (value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string')
}
