import type { Environment } from '../options/environment.js'
import {
  missing, policyOf, POLICY_VARIABLES, readToolScopes, upstreamOf, type Preset
} from './preset-parts.js'
import { resultOf, type Problem } from './problem.js'

const WHAT = {
  RESOURCE_URL: 'the URL under which clients reach the gateway, with the path of the MCP endpoint',
  UPSTREAM_URL: 'the MCP endpoint of the server behind the gateway',
  ISSUER_URL: 'the issuer of an authorization server whose tokens are accepted'
} as const

/** Returns the configuration of one protected server from variables, or from the flags that beat them. */
export function buildPlainPreset (env: Environment): Preset {
  const issuers = env.ISSUER_URL?.split(/[\s,]+/).filter((issuer) => issuer !== '')
  const policy = readToolScopes(env)
  const file = {
    ...(env.RESOURCE_URL === undefined ? {} : { resource: env.RESOURCE_URL }),
    ...upstreamOf(env),
    ...(issuers === undefined ? {} : { authorizationServers: issuers }),
    ...policyOf(policy.value)
  }
  return {
    ...resultOf(file, [...findMissing(env), ...policy.problems]),
    name: 'environment variables',
    variables: {
      resource: 'RESOURCE_URL',
      upstream: 'UPSTREAM_URL',
      authorizationServers: 'ISSUER_URL',
      ...(issuers?.length === 1 ? { 'authorizationServers[0]': 'ISSUER_URL' } : {}),
      ...POLICY_VARIABLES
    }
  }
}

function findMissing (env: Environment): Problem[] {
  const names = Object.keys(WHAT) as Array<keyof typeof WHAT>
  return names.filter((name) => env[name] === undefined).map((name) => missing(name, WHAT[name]))
}
