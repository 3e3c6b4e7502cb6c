import type { Test } from 'tap'
import { loadConfig } from '../../src/config/load.js'
import type { LoadedConfig, LoadOptions } from '../../src/config/load.js'
import { ConfigError, formatProblem } from '../../src/config/problem.js'
import type { Config } from '../../src/options/gateway.js'
import type { ServerConfig } from '../../src/options/server.js'
import { MINIMAL, writeConfig } from '../helpers/configuration.js'

/** Loads a file with nothing from the environment of the test run. */
export function load (t: Test, content: unknown, options: LoadOptions = {}): Promise<LoadedConfig> {
  return loadConfig({ file: writeConfig(t, content).file, env: {}, ...options })
}

/** Loads the smallest useful file with other members laid over it, and returns its protected server. */
export async function loadServer (t: Test, members: object): Promise<ServerConfig> {
  const { config } = await load(t, { ...MINIMAL, ...members })
  return onlyServer(config)
}

export function onlyServer ({ servers: [server, ...others] }: Config): ServerConfig {
  if (server === undefined || others.length > 0) throw new Error('one server was expected')
  return server
}

/** Returns the problems for which loading fails, as `place: message`; none when it succeeds. */
export async function problemsOf (loading: Promise<unknown>): Promise<string[]> {
  try {
    await loading
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(formatProblem)
  }
}

/** The problems of the smallest useful file with other members laid over it. */
export function problemsWith (t: Test, members: object, options: LoadOptions = {}): Promise<string[]> {
  return problemsOf(load(t, { ...MINIMAL, ...members }, options))
}
