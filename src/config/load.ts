import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  DEFAULT_CONFIG_FILE, type Environment, type LogFormat, type Proxies
} from '../options/environment.js'
import type { Config } from '../options/gateway.js'
import { completeConfig } from './complete.js'
import { flagNames, readEnvironment, setupFlagsIn, type Flags } from './environment.js'
import { parseJsonText } from './json-text.js'
import { buildPlainPreset } from './plain-preset.js'
import { buildPreset } from './presets.js'
import { ConfigError, formatProblem, resultOf, withoutEchoes, type Problem, type Result } from './problem.js'
import { substituteVariables, type Variables } from './substitute.js'

export interface LoadOptions extends Flags {
  /** `--config`. Not together with flags that say what is protected. */
  readonly file?: string
  /** Default: `process.env`. */
  readonly env?: Variables
}

export interface LoadedConfig {
  readonly config: Config
  /** Where the configuration comes from, for people. */
  readonly source: string
  readonly warnings: readonly string[]
  readonly logFormat: LogFormat
  /** Absolute path of the file, when there is one. */
  readonly file?: string
  /** Absent when the environment names none. */
  readonly proxies?: Proxies
}

/** The origin of a configuration: a file, or variables instead. Without a value there is a problem. */
interface Source extends Result<unknown> {
  /** For people to read. */
  readonly name: string
  /** Returns the source's own name for the place of a member. */
  readonly renamePlace: (place: string) => string
  /** Absolute path, when it is a file. */
  readonly file?: string
}

/** Variables that have an effect only without a configuration file: plain ones, FastMCP's, SDK's. */
const FILELESS = [
  /^(RESOURCE_URL|ISSUER_URL|UPSTREAM_URL|TOOL_SCOPES)$/,
  /^(MCP_URL|SCALEKIT_.*)$/,
  /^(EXPECTED_AUDIENCE|PROTECTED_RESOURCE_METADATA|SK_.*)$/
]

/**
 * Returns the configuration. Flags beat the environment, the environment beats the file. Throws ConfigError
 * with every problem (O1). No problem and no warning quotes a value: it may be a secret.
 */
export async function loadConfig (options: LoadOptions = {}): Promise<LoadedConfig> {
  const env = options.env ?? process.env
  const environment = readEnvironment(env, options)
  const setup = setupFlagsIn(options)
  const source = setup.length > 0
    ? readFlags(setup, options, environment.value)
    : await findSource(options.file ?? environment.value.POSTERN_CONFIG, environment.value, env)
  const read = [...environment.problems, ...source.problems]
  if (source.value === undefined) throw new ConfigError(read, source.name)

  const { HOST: host, PORT: port, LOG_LEVEL: logLevel, LOG_FORMAT: logFormat } = environment.value
  const completed = completeConfig(source.value, { host, port, logLevel })
  const rename = (problem: Problem): Problem => ({ ...problem, place: source.renamePlace(problem.place) })
  const problems = [...read, ...withoutEchoes(completed.problems.map(rename), source.problems)]
  if (problems.length > 0) throw new ConfigError(problems, source.name)
  return {
    config: completed.value,
    source: source.name,
    warnings: [...source.warnings, ...completed.warnings.map(rename)].map(formatProblem),
    logFormat,
    ...(source.file === undefined ? {} : { file: source.file }),
    ...proxiesOf(environment.value)
  }
}

/** Returns the proxies, when there are any. The names in lower case win, as with curl. */
function proxiesOf (values: Environment): { readonly proxies?: Proxies } {
  const { http_proxy: httpProxy = values.HTTP_PROXY, https_proxy: httpsProxy = values.HTTPS_PROXY } = values
  const { no_proxy: noProxy = values.NO_PROXY } = values
  if (httpProxy === undefined && httpsProxy === undefined) return {}
  return {
    proxies: {
      ...(httpProxy === undefined ? {} : { httpProxy }),
      ...(httpsProxy === undefined ? {} : { httpsProxy }),
      ...(noProxy === undefined ? {} : { noProxy })
    }
  }
}

/**
 * Returns the source: the named file, else the default file if it exists, else a preset. A named file that
 * cannot be read is a problem. `env` holds the variables that the file refers to.
 */
async function findSource (named: string | undefined, values: Environment, env: Variables): Promise<Source> {
  const name = named ?? DEFAULT_CONFIG_FILE
  let bytes: Buffer
  try {
    bytes = await readFile(name)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && named === undefined) return readPreset(values)
    const message = code === 'ENOENT'
      ? 'there is no such configuration file'
      : `cannot be read (${code ?? 'unknown error'})`
    return failed(name, { place: name, message })
  }
  return readSource(name, bytes, values, env)
}

function failed (name: string, problem: Problem): Source {
  return { ...resultOf(undefined, [problem]), name, renamePlace: (place) => place }
}

function readPreset (values: Environment): Source {
  const preset = buildPreset(values)
  if (preset !== undefined) return { ...preset, renamePlace: (place) => renamePlace(place, preset.variables) }
  return failed(DEFAULT_CONFIG_FILE, {
    place: DEFAULT_CONFIG_FILE,
    message: 'there is no configuration: write this file (config.example.json is a start), ' +
      'name another one with --config or POSTERN_CONFIG, ' +
      'give --resource, --upstream, --issuer and --tool, ' +
      'or set UPSTREAM_URL and the variables of a set-up (see docs/configuration.md)'
  })
}

/** Flags are variables that beat others, so they make a preset as well. No file is read beside them. */
function readFlags (given: readonly string[], flags: Flags, values: Environment): Source {
  const preset = buildPreset(values) ?? buildPlainPreset(values)
  const names = flagNames(flags, values)
  const rename = (place: string): string => renamePlace(renamePlace(place, preset.variables), names)
  const file = values.POSTERN_CONFIG ?? DEFAULT_CONFIG_FILE
  const message = `is not read beside ${given.join(', ')}`
  return {
    value: preset.value,
    problems: preset.problems.map(({ place, message }) => ({
      place: rename(place), message: replaceNames(message, names)
    })),
    warnings: existsSync(file) ? [{ place: file, message }] : [],
    name: 'options of the command line',
    renamePlace: rename
  }
}

/** Returns the place with its longest known beginning replaced. */
function renamePlace (place: string, names: Readonly<Record<string, string>>): string {
  const beginnings = Object.keys(names).filter((known) => (
    place === known || place.startsWith(`${known}.`) || place.startsWith(`${known}[`)
  ))
  const longest = beginnings.sort((a, b) => b.length - a.length)[0]
  return longest === undefined ? place : `${names[longest]}${place.slice(longest.length)}`
}

function replaceNames (text: string, names: Readonly<Record<string, string>>): string {
  return Object.entries(names).reduce((replaced, [name, other]) => replaced.replaceAll(name, other), text)
}

function readSource (name: string, bytes: Buffer, values: Environment, env: Variables): Source {
  const parsed = parseJsonText(bytes)
  if (!parsed.ok) return failed(name, { place: `${parsed.line}:${parsed.column}`, message: parsed.message })
  const { used, ...substituted } = substituteVariables(parsed.value, env)
  return {
    ...substituted,
    warnings: warnAboutUnused(Object.keys(values).filter((variable) => !used.has(variable))),
    name,
    renamePlace: (place) => place,
    file: resolve(name)
  }
}

function warnAboutUnused (variables: readonly string[]): Problem[] {
  const unused = variables.filter((variable) => FILELESS.some((pattern) => pattern.test(variable)))
  if (unused.length === 0) return []
  return [{
    place: 'environment',
    message: `${unused.join(', ')} set without effect, because there is a configuration file; ` +
      `in it, refer to a variable as ${'$'}{NAME}`
  }]
}
