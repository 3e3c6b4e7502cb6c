import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SCOPE, type Examined } from './examined.js'
import { runPython, type Check, type Grader } from './grader.js'

interface Report {
  readonly targets: ReadonlyArray<{
    readonly target: { readonly id: string }
    readonly checks: ReadonlyArray<{ readonly id: string, readonly status: string, readonly message: string }>
  }>
}

/** The exit code when a check failed. */
const FAILED = 1

/** Compares what is published with what it expects; uses the server with a token, and as a client. */
export const testmcpy: Grader = {
  name: 'testmcpy-oauth-probe',
  examines: ['demo'],
  async grade (closing, { examined, programs, folder }) {
    const { authorizationServer, resource } = examined
    const manifest = join(folder, 'manifest.json')
    await writeFile(manifest, JSON.stringify(describe(examined)))
    const text = await runPython(closing, {
      python: await programs.python('testmcpy-oauth-probe'),
      args: ['-m', 'testmcpy_oauth_probe', 'check', '--config', manifest, '--format', 'json'],
      env: {
        HOME: folder,
        TOKEN: await authorizationServer.issueToken({ resource, scopes: [SCOPE], subject: 'grader' }),
        SECRET: authorizationServer.clientCredentials.clientSecret
      },
      codes: [0, FAILED]
    })
    return (JSON.parse(text) as Report).targets.flatMap(({ target, checks }) => checks.map(
      ({ id, status, message }): Check => ({
        id: `${target.id}: ${id}`, isPassed: status === 'pass', text: `${status}: ${message}`
      })
    ))
  }
}

function describe ({ resource, authorizationServer }: Examined): object {
  const { issuer, clientCredentials } = authorizationServer
  const expectations = {
    issuers: [issuer], token_issuers: [issuer], resources: [resource], audiences: [resource], min_tools: 1
  }
  const target = (oauth: object): object => ({ mcp_url: resource, oauth, expectations })
  return {
    schema: 'testmcpy.io/oauth-smoke/v1',
    defaults: { allow_http_loopback: true, allow_private_network: true, spec_profile: 'mcp-2025-11-25' },
    targets: {
      token: target({ flow: 'bearer', access_token: { env: 'TOKEN' } }),
      client: target({
        flow: 'client_credentials',
        client_id: clientCredentials.clientId,
        client_secret: { env: 'SECRET' },
        client_auth_method: 'client_secret_basic',
        scopes: [SCOPE],
        resource
      })
    }
  }
}
