import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PASSWORD_HASH } from '../../helpers/login-form.js'
import { findFreePort } from '../../helpers/ports.js'
import { runServer } from '../server-process.js'
import { SCOPES, type AuthorizationServerKind } from './authorization-server.js'
import { DEX, findDex } from './dex-program.js'

/** The client that stands for the MCP server, which is the audience of tokens. */
const AUDIENCE = 'todo'
/** The client of everybody's programs, which its own settings name. */
const CLIENT = {
  id: 'mcp-client', scope: `openid groups audience:server:client_id:${AUDIENCE}`
}
/** The connector of people with a password; it is a part of subjects. */
const CONNECTOR = 'local'

/** Dex, whose tokens have groups instead of scopes. Everybody is in the group that the first scope names. */
export const DEX_KIND: AuthorizationServerKind = {
  title: `Dex ${DEX}`,
  registration: 'by hand',
  told: 'none',
  withoutStepUp: 'Groups decide instead of scopes: the missing one is named, and cannot be asked for.',
  settings: {
    server: { audience: [AUDIENCE], metadata: { scopes_supported: [] } }, entry: { scopeClaim: 'groups' }
  },
  async start (closing, { names, folder, signal }) {
    const program = await findDex(signal)
    const port = await findFreePort()
    const issuer = `http://127.0.0.1:${port}/dex`
    const file = join(folder, 'dex.json')
    await writeFile(file, JSON.stringify(describeDex(issuer, port, names)))
    await runServer(closing, [program, 'serve', file], { port, env: {}, cwd: folder })
    return {
      protect: async () => ({
        issuer,
        client: CLIENT,
        subjectOf,
        signIn: async () => { throw new Error('nobody signs in on pages here') }
      })
    }
  }
}

function describeDex (issuer: string, port: number, names: readonly string[]): object {
  return {
    issuer,
    storage: { type: 'memory' },
    web: { http: `127.0.0.1:${port}` },
    oauth2: { skipApprovalScreen: true },
    enablePasswordDB: true,
    staticPasswords: names.map((name) => ({
      email: name, hash: PASSWORD_HASH, username: name, userID: name, groups: [SCOPES.first]
    })),
    staticClients: [
      { id: AUDIENCE, name: 'The MCP server', secret: 'not in use', trustedPeers: [CLIENT.id] },
      // Without redirect URIs, a public client may name any port of localhost.
      { id: CLIENT.id, name: 'MCP clients', public: true }
    ]
  }
}

/** A message of two strings, in the encoding of Protocol Buffers. */
function subjectOf (name: string): string {
  const fields = [name, CONNECTOR].map((text, index) => {
    return Buffer.concat([Buffer.from([(index + 1) << 3 | 2, text.length]), Buffer.from(text)])
  })
  return Buffer.concat(fields).toString('base64url')
}
