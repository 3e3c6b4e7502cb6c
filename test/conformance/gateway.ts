import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Closing } from '../helpers/closing.js'
import { startIssuer } from '../helpers/issuer.js'
import { CLI, type LogLine } from '../helpers/process.js'
import { startHop } from './hop.js'

const ALLOW_EVERYTHING = {
  tools: { '*': true },
  resources: { '**': true },
  prompts: { '*': true },
  methods: { '*': true }
}

/**
 * Starts the built gateway, as it is shipped, in a process of its own, before the upstream and behind a
 * hop that adds an access token. Writes its configuration file to the folder. Returns the URL that clients
 * use: the hop's MCP endpoint. Throws when the gateway does not start.
 */
export async function startGateway (closing: Closing, upstream: string, folder: string): Promise<string> {
  const issuer = await startIssuer(closing)
  const file = join(folder, 'postern.json')
  const hop = await startHop(closing)
  const resource = `${hop.origin}/mcp`
  await writeFile(file, JSON.stringify({
    resource, upstream, authorizationServers: [issuer.issuer], policy: ALLOW_EVERYTHING
  }))
  const origin = await startPostern(closing, file)
  await requireProtection(origin)
  hop.forwardTo(origin, await issuer.token({ aud: resource }))
  return resource
}

/** Without this, two runs against the same unprotected server would be identical as well. */
async function requireProtection (origin: string): Promise<void> {
  const { status } = await fetch(`${origin}/mcp`)
  if (status !== 401) throw new Error(`the gateway lets requests without a token pass: ${status}`)
}

export interface PosternOptions {
  /** On 127.0.0.1; the default 0 takes any free port. */
  readonly port?: number
  /** Gets every line of the log. */
  readonly hear?: (line: LogLine) => void
}

/** Starts the built gateway with a configuration file; returns its origin. Throws when it does not start. */
export async function startPostern (
  closing: Closing, config: string, { port = 0, hear }: PosternOptions = {}
): Promise<string> {
  const args = ['serve', '--config', config, '--host', '127.0.0.1', '--port', String(port)]
  const program = spawn(process.execPath, [CLI, ...args], {
    env: { LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = once(program, 'exit')
  closing.after(async () => {
    program.kill()
    await ended
  })
  return new Promise((resolve, reject) => {
    ended.then(([code]) => reject(new Error(`the gateway ended with exit code ${String(code)}`)), reject)
    // Every line is read: a full pipe would stop the gateway.
    createInterface({ input: program.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as LogLine
      hear?.(line)
      if (line['event'] === 'started' && typeof line['url'] === 'string') resolve(line['url'])
    })
  })
}
