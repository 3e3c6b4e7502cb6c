import { checkConfig } from './check.js'
import type { Config, PolicyConfig } from './config.js'
import { readEnvironment } from './environment.js'
import { normalise, type Normalised, type ProcessSettings } from './normalise.js'
import { findOrigin } from './origin.js'
import { ConfigError, withoutEchoes } from './problem.js'
import type { Problem } from './problem.js'
import type { Variables } from './substitute.js'
import { validateFile } from './validate.js'

export { ConfigError } from './problem.js'
export type { Problem } from './problem.js'

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

/**
 * Returns the configuration: flags beat the environment, the environment beats the file. Throws ConfigError with every
 * problem there is (behaviour O1). No problem and no warning quotes a value: it may be a secret.
 */
export async function loadConfig (options: LoadOptions = {}): Promise<LoadedConfig> {
  const env = options.env ?? process.env
  const environment = readEnvironment(env, options)
  const origin = await findOrigin(options.file ?? environment.values.POSTERN_CONFIG, environment.values, env)
  if (origin.value === undefined) throw new ConfigError([...environment.problems, ...origin.problems], origin.source)

  const { HOST: host, PORT: port, LOG_LEVEL: logLevel } = environment.values
  const { validated, normalised, checked } = examine(origin.value, { host, port, logLevel }, options.findPolicyProblems)
  const rename = (problem: Problem): Problem => ({ ...problem, place: origin.renamePlace(problem.place) })
  const found = [...validated.problems, ...checked.problems].map(rename)
  const problems = [...environment.problems, ...origin.problems, ...withoutEchoes(found, origin.problems)]
  if (problems.length > 0) throw new ConfigError(problems, origin.source)
  return {
    config: normalised.config,
    source: origin.source,
    warnings: [...origin.warnings, ...checked.warnings.map(rename).map(({ place, message }) => `${place}: ${message}`)],
    ...(origin.file === undefined ? {} : { file: origin.file })
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
