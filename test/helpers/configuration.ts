import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { configFrom } from '../../src/config/complete.js'
import { authorizationServers, type AuthorizationServerConfig } from '../../src/options/authorization-server.js'
import type { Config } from '../../src/options/gateway.js'
import { server, type ServerConfig } from '../../src/options/server.js'
import { complete } from '../../src/options/terms.js'
import { AUDIENCE } from './issuer.js'

type Settings = Parameters<typeof configFrom>[1]

/** Any loopback port. */
export const SETTINGS: Settings = { host: '127.0.0.1', port: 0, logLevel: 'debug' }

/** What a test gateway is called, and where it is, need not be the same. */
export const RESOURCE = 'http://localhost:3002/mcp'

/** The smallest useful configuration file. */
export const MINIMAL = {
  resource: RESOURCE,
  upstream: 'http://localhost:8080/mcp',
  authorizationServers: ['http://localhost:9000'],
  policy: { tools: { list_todos: 'todo:read' } }
}

/** Who may call which tool of the todo server. */
export const POLICY = { tools: { list_todos: 'todo:read', get_todo: 'todo:read', '*_todo': 'todo:write' } }

/** The part of a configuration file that a server needs besides its resource, with nothing behind it. */
export const UNREACHABLE_SERVER = {
  upstream: 'http://127.0.0.1:9/mcp',
  authorizationServers: ['http://127.0.0.1:9'],
  policy: { tools: { '*': true } }
} as const

/** Returns the configuration file of the todo demo, with other members laid over it. */
export function todoConfig (members: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { ...MINIMAL, policy: POLICY, ...members }
}

/** Returns the complete configuration for the content of a file. Throws ConfigError. */
export function configFor (file: unknown, settings: Partial<Settings> = {}): Config {
  return configFrom(file, { ...SETTINGS, ...settings })
}

/** Returns the complete configuration of an authorization server. The members stand in it as they are. */
export function authorizationServerConfig (
  issuer: string, members: Partial<AuthorizationServerConfig> = {}
): AuthorizationServerConfig {
  const [defaults] = complete(authorizationServers, ['https://as.example'])
  return { ...defaults as AuthorizationServerConfig, issuer, ...members }
}

/** Returns the complete configuration of a server without a policy. The members stand in it as they are. */
export function serverConfig (
  trusted: readonly AuthorizationServerConfig[], members: Partial<ServerConfig> = {}
): ServerConfig {
  const written = { ...UNREACHABLE_SERVER, resource: AUDIENCE, policy: {} }
  return { ...complete(server, written), authorizationServers: trusted, ...members }
}

/**
 * Writes a file into a folder of its own, an object as JSON and text or bytes as they are, and returns both.
 */
export function writeConfig (t: Test, content: unknown): { directory: string, file: string } {
  const directory = t.testdir()
  const file = join(directory, 'postern.json')
  writeFileSync(
    file, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content)
  )
  return { directory, file }
}
