import { renameSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import { RESOURCE, todoConfig, writeConfig } from '../helpers/configuration.js'
import { post, toolCall } from '../helpers/gateway.js'
import { startIssuer, type TestIssuer } from '../helpers/issuer.js'
import { listeningUrl, type RunningProgram, startCli } from '../helpers/process.js'
import { startUpstream, type TestUpstream } from '../helpers/upstream.js'

export interface Serving {
  readonly gateway: RunningProgram
  readonly url: string
  readonly issuer: TestIssuer
  readonly upstream: TestUpstream
  readonly file: string
  /** The configuration in use, with more members. */
  config (more?: Readonly<Record<string, unknown>>): string
  call (token: string, path?: string): Promise<Response>
}

/** Starts `postern serve` on any port, between an issuer and an upstream. */
export async function serve (
  t: Test, more: Readonly<Record<string, unknown>> = {}, env: Readonly<Record<string, string>> = {}
): Promise<Serving> {
  const issuer = await startIssuer(t, { audience: RESOURCE })
  const upstream = await startUpstream(t)
  const behind = { upstream: `${upstream.origin}/mcp`, authorizationServers: [issuer.issuer] }
  const config = (others = {}): string =>
    JSON.stringify(todoConfig({ ...behind, ...more, ...others }))
  const { file } = writeConfig(t, config())
  const gateway = startCli(t, ['serve', '--config', file, '--port', '0'], { env })
  const url = await listeningUrl(gateway)
  return {
    gateway,
    url,
    issuer,
    upstream,
    file,
    config,
    call: (token, path = '/mcp') => post(url + path, token, toolCall('list_todos'))
  }
}

/** Returns what the metadata calls the resource: each configuration here has a name of its own. */
export async function resourceName (url: string): Promise<unknown> {
  const response = await fetch(`${url}/.well-known/oauth-protected-resource/mcp`)
  const metadata = await response.json() as Record<string, unknown>
  return metadata['resource_name']
}

export function named (name: string): { metadata: { resource_name: string } } {
  return { metadata: { resource_name: name } }
}

/** Swaps in another content at once, as careful editors do. */
export function replace (file: string, content: string): void {
  writeFileSync(`${file}.next`, content)
  renameSync(`${file}.next`, file)
}

/** Matches the log's nth line about an event. */
export function nth (event: string, count: number): RegExp {
  return new RegExp(`(?:[\\s\\S]*?"event":"${event}"){${count}}[^\\n]*\\n`)
}

/** Lets the upstream wait with its response. Resolves once a request is there. */
export function holdResponses (upstream: TestUpstream): { reached: Promise<void>, release (): void } {
  const { answer } = upstream
  const held: Array<() => void> = []
  let arrive: () => void
  const reached = new Promise<void>((resolve) => { arrive = resolve })
  upstream.answer = (...parts) => {
    held.push(() => { answer(...parts) })
    arrive()
  }
  return { reached, release: () => { for (const go of held) go() } }
}
