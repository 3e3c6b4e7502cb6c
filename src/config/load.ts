import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DEFAULT_CONFIG_FILE, type Environment } from '../options/environment.js'
import type { Config } from '../options/gateway.js'
import { completeConfig } from './complete.js'
import { readEnvironment } from './environment.js'
import { parseJsonText } from './json-text.js'
import { buildPreset } from './presets.js'
import { ConfigError, formatProblem, resultOf, withoutEchoes, type Problem, type Result } from './problem.js'
import { substituteVariables, type Variables } from './substitute.js'

export interface LoadOptions {
  /** `--config` */
  readonly file?: string
  /** `--host` */
  readonly host?: string
  /** `--port` */
  readonly port?: number
  /** Default: `process.env`. */
  readonly env?: Variables
}

export interface LoadedConfig {
  readonly config: Config
  /** Where the configuration comes from, for people. */
  readonly source: string
  readonly warnings: readonly string[]
  /** Absolute path of the file, when there is one. */
  readonly file?: string
}

/**
 * What a configuration is made from: a file, or variables in its stead. Without a value there is a problem.
 */
interface Source extends Result<unknown> {
  /** For people. */
  readonly name: string
  /** Returns how the source calls the place of a member. */
  readonly renamePlace: (place: string) => string
  /** Absolute path, when it is a file. */
  readonly file?: string
}

/** Variables that mean something only without a configuration file. */
const FILELESS =
  /^(UPSTREAM_URL|TOOL_SCOPES|MCP_URL|EXPECTED_AUDIENCE|PROTECTED_RESOURCE_METADATA|SK_.*|SCALEKIT_.*)$/

/**
 * Returns the configuration: flags beat the environment, the environment beats the file. Throws ConfigError
 * with every problem there is (O1). No problem and no warning quotes a value: it may be a secret.
 */
export async function loadConfig (options: LoadOptions = {}): Promise<LoadedConfig> {
  const env = options.env ?? process.env
  const environment = readEnvironment(env, options)
  const source = await findSource(options.file ?? environment.value.POSTERN_CONFIG, environment.value, env)
  if (source.value === undefined) {
    throw new ConfigError([...environment.problems, ...source.problems], source.name)
  }

  const { HOST: host, PORT: port, LOG_LEVEL: logLevel } = environment.value
  const completed = completeConfig(source.value, { host, port, logLevel })
  const rename = (problem: Problem): Problem => ({ ...problem, place: source.renamePlace(problem.place) })
  const found = withoutEchoes(completed.problems.map(rename), source.problems)
  const problems = [...environment.problems, ...source.problems, ...found]
  if (problems.length > 0) throw new ConfigError(problems, source.name)
  return {
    config: completed.value,
    source: source.name,
    warnings: [...source.warnings, ...completed.warnings.map(rename)].map(formatProblem),
    ...(source.file === undefined ? {} : { file: source.file })
  }
}

/**
 * Returns the source: the file that was named, else the default file if it exists, else a preset. A file that
 * was named is never passed over. `env` is where its variables come from.
 */
async function findSource (named: string | undefined, values: Environment, env: Variables): Promise<Source> {
  const name = named ?? DEFAULT_CONFIG_FILE
  let bytes: Buffer
  try {
    bytes = await readFile(name)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const message = `cannot be read (${code ?? 'unknown error'})`
    if (code !== 'ENOENT') return failed(name, { place: name, message })
    if (named === undefined) return readPreset(values)
    return failed(name, { place: name, message: 'there is no such configuration file' })
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
      'or set UPSTREAM_URL and the variables of a Scalekit set-up (see docs/configuration.md)'
  })
}

/** Returns the place with its longest known beginning replaced. */
function renamePlace (place: string, names: Readonly<Record<string, string>>): string {
  const isUnder = (known: string): boolean =>
    place.startsWith(known) && '.['.includes(place.charAt(known.length))
  const beginnings = Object.keys(names).filter((known) => place === known || isUnder(known))
  const longest = beginnings.sort((a, b) => b.length - a.length)[0]
  return longest === undefined ? place : `${names[longest]}${place.slice(longest.length)}`
}

function readSource (name: string, bytes: Buffer, values: Environment, env: Variables): Source {
  const parsed = parseJsonText(bytes)
  if (!parsed.ok) return failed(name, { place: `${parsed.line}:${parsed.column}`, message: parsed.message })
  const { used, ...substituted } = substituteVariables(parsed.value, env)
  const unused = Object.keys(values).filter((name) => FILELESS.test(name) && !used.has(name))
  const warning = { place: 'environment', message: `${unused.join(', ')} ${WITHOUT_EFFECT}` }
  return {
    ...substituted,
    warnings: unused.length === 0 ? [] : [warning],
    name,
    renamePlace: (place) => place,
    file: resolve(name)
  }
}

const WITHOUT_EFFECT = 'set without effect, because there is a configuration file; ' +
  'in it, refer to a variable as ${NAME}' // eslint-disable-line no-template-curly-in-string
