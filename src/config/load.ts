import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { checkConfig } from './check.js'
import type { Config, PolicyConfig } from './config.js'
import { ENVIRONMENT_DEFAULTS } from './defaults.js'
import { readEnvironment, type Environment } from './environment.js'
import { parseJsonText } from './json-text.js'
import { normalise, type Normalised, type ProcessSettings } from './normalise.js'
import { buildPreset } from './presets.js'
import { ConfigError, withoutEchoes, type Problem } from './problem.js'
import { substituteVariables, type Variables } from './substitute.js'
import { validateFile } from './validate.js'

export { ConfigError } from './problem.js'

export interface LoadOptions {
  /** `--config` */
  readonly file?: string
  /** `--host` */
  readonly host?: string
  /** `--port` */
  readonly port?: number
  /** Default: `process.env`. */
  readonly env?: Variables
  /** Finds what is wrong with a policy that has the right form; places are relative to the policy. Default: nothing. */
  readonly findPolicyProblems?: FindPolicyProblems
}

export type FindPolicyProblems = (policy: PolicyConfig) => readonly Problem[]

export interface LoadedConfig {
  readonly config: Config
  /** Where the configuration comes from, for people. */
  readonly source: string
  readonly warnings: readonly string[]
  /** Absolute path of the file, when there is one. */
  readonly file?: string
}

/** What a configuration is made from: a file, or variables in its stead. */
interface Source {
  /** For people. */
  readonly name: string
  /** What validateFile takes; undefined when there is nothing to validate, and then there is a problem. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  readonly warnings: readonly string[]
  /** Member path → how the source calls that place. */
  readonly renamePlace: (place: string) => string
  /** Absolute path, when it is a file. */
  readonly file?: string
}

/** Variables that mean something only without a configuration file. */
const FILELESS = /^(UPSTREAM_URL|TOOL_SCOPES|MCP_URL|EXPECTED_AUDIENCE|PROTECTED_RESOURCE_METADATA|SK_.*|SCALEKIT_.*)$/

/**
 * Returns the configuration: flags beat the environment, the environment beats the file. Throws ConfigError with every
 * problem there is (behaviour O1). No problem and no warning quotes a value: it may be a secret.
 */
export async function loadConfig (options: LoadOptions = {}): Promise<LoadedConfig> {
  const env = options.env ?? process.env
  const environment = readEnvironment(env, options)
  const source = await findSource(options.file ?? environment.values.POSTERN_CONFIG, environment.values, env)
  if (source.value === undefined) throw new ConfigError([...environment.problems, ...source.problems], source.name)

  const { HOST: host, PORT: port, LOG_LEVEL: logLevel } = environment.values
  const { validated, normalised, checked } = examine(source.value, { host, port, logLevel }, options.findPolicyProblems)
  const rename = (problem: Problem): Problem => ({ ...problem, place: source.renamePlace(problem.place) })
  const found = [...validated.problems, ...checked.problems].map(rename)
  const problems = [...environment.problems, ...source.problems, ...withoutEchoes(found, source.problems)]
  if (problems.length > 0) throw new ConfigError(problems, source.name)
  return {
    config: normalised.config,
    source: source.name,
    warnings: [...source.warnings, ...checked.warnings.map(rename).map(({ place, message }) => `${place}: ${message}`)],
    ...(source.file === undefined ? {} : { file: source.file })
  }
}

/**
 * Returns the configuration for a value of the file's form; no variable is substituted in it. Throws ConfigError with
 * every problem there is.
 */
export function configFrom (value: unknown, settings: ProcessSettings, findPolicyProblems?: FindPolicyProblems): Config {
  const { validated, normalised, checked } = examine(value, settings, findPolicyProblems)
  const problems = withoutEchoes([...validated.problems, ...checked.problems], [])
  if (problems.length > 0) throw new ConfigError(problems)
  return normalised.config
}

function examine (value: unknown, settings: ProcessSettings, findPolicyProblems: FindPolicyProblems = () => []) {
  const validated = validateFile(value)
  const normalised = normalise(validated.usable, settings)
  const { problems, warnings } = checkConfig(normalised)
  return { validated, normalised, checked: { problems: [...problems, ...policyProblems(normalised, findPolicyProblems)], warnings } }
}

/** A policy that several servers inherit has its problems reported once for each place it is written at. */
function policyProblems ({ config, places }: Normalised, find: FindPolicyProblems): Problem[] {
  return config.servers.flatMap(({ policy }, index) =>
    find(policy).map(({ place, message }) => ({ place: `${places[index]?.('policy') ?? 'policy'}.${place}`, message })))
}

/**
 * Returns the source: the file that was named, else the default file if it exists, else a preset. A file that was named
 * is never passed over. `env` is where its variables come from.
 */
async function findSource (named: string | undefined, values: Environment, env: Variables): Promise<Source> {
  const name = named ?? ENVIRONMENT_DEFAULTS.configFile
  let bytes: Buffer
  try {
    bytes = await readFile(name)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const message = `cannot be read (${code ?? 'unknown error'})`
    if (code !== 'ENOENT') return failed(name, { place: name, message })
    return named === undefined ? readPreset(values) : failed(name, { place: name, message: 'there is no such configuration file' })
  }
  return readSource(name, bytes, values, env)
}

function failed (name: string, problem: Problem): Source {
  return { name, value: undefined, problems: [problem], warnings: [], renamePlace: (place) => place }
}

function readPreset (values: Environment): Source {
  const preset = buildPreset(values)
  if (preset === undefined) {
    return failed(ENVIRONMENT_DEFAULTS.configFile, {
      place: ENVIRONMENT_DEFAULTS.configFile,
      message: 'there is no configuration: write this file (config.example.json is a start), name another one with --config or POSTERN_CONFIG, or set UPSTREAM_URL and the variables of a Scalekit set-up (see docs/configuration.md)'
    })
  }
  return {
    name: preset.name,
    value: preset.file,
    problems: preset.problems,
    warnings: [],
    renamePlace: (place) => renamePlace(place, preset.variables)
  }
}

/** Returns the place with its longest known beginning replaced. */
function renamePlace (place: string, names: Readonly<Record<string, string>>): string {
  const beginnings = Object.keys(names).filter((known) => place === known || (place.startsWith(known) && '.['.includes(place.charAt(known.length))))
  const longest = beginnings.sort((a, b) => b.length - a.length)[0]
  return longest === undefined ? place : `${names[longest]}${place.slice(longest.length)}`
}

function readSource (name: string, bytes: Buffer, values: Environment, env: Variables): Source {
  const parsed = parseJsonText(bytes)
  if (!parsed.ok) return failed(name, { place: `${parsed.line}:${parsed.column}`, message: parsed.message })
  const { value, problems, used } = substituteVariables(parsed.value, env)
  const unused = Object.keys(values).filter((variable) => FILELESS.test(variable) && !used.has(variable))
  return {
    name,
    value,
    problems,
    warnings: unused.length === 0
      ? []
      : [`environment: ${unused.join(', ')} set without effect, because there is a configuration file; in it, refer to a variable as \${NAME}`],
    renamePlace: (place) => place,
    file: resolve(name)
  }
}
