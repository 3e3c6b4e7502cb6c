import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ENVIRONMENT_DEFAULTS } from './defaults.js'
import type { Environment } from './environment.js'
import { parseJsonText } from './json-text.js'
import { buildPreset } from './presets.js'
import type { Problem } from './problem.js'
import { substituteVariables } from './substitute.js'
import type { Variables } from './substitute.js'

/** What a configuration is made from: a file, or variables in its stead. */
export interface Origin {
  /** For people. */
  readonly source: string
  /** What validateFile takes; undefined when there is nothing to validate, and then there is a problem. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  readonly warnings: readonly string[]
  /** Member path → how the origin calls that place. */
  readonly renamePlace: (place: string) => string
  /** Absolute path, when it is a file. */
  readonly file?: string
}

/** Variables that mean something only without a configuration file. */
const FILELESS = /^(UPSTREAM_URL|TOOL_SCOPES|MCP_URL|EXPECTED_AUDIENCE|PROTECTED_RESOURCE_METADATA|SK_.*|SCALEKIT_.*)$/

/**
 * Returns the origin: the file that was named, else the default file if it exists, else a preset. A file that was named
 * is never passed over. `env` is where its variables come from.
 */
export async function findOrigin (named: string | undefined, values: Environment, env: Variables): Promise<Origin> {
  const name = named ?? ENVIRONMENT_DEFAULTS.configFile
  let bytes: Buffer
  try {
    bytes = await readFile(name)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const message = `cannot be read (${code ?? 'unknown error'})`
    if (code !== 'ENOENT') return failed(name, { place: name, message })
    return named === undefined ? originWithoutFile(values) : failed(name, { place: name, message: 'there is no such configuration file' })
  }
  return readFileOrigin(name, bytes, values, env)
}

function failed (source: string, problem: Problem): Origin {
  return { source, value: undefined, problems: [problem], warnings: [], renamePlace: (place) => place }
}

function originWithoutFile (values: Environment): Origin {
  const preset = buildPreset(values)
  if (preset === undefined) {
    return failed(ENVIRONMENT_DEFAULTS.configFile, {
      place: ENVIRONMENT_DEFAULTS.configFile,
      message: 'there is no configuration: write this file (config.example.json is a start), name another one with --config or POSTERN_CONFIG, or set UPSTREAM_URL and the variables of a Scalekit set-up (see docs/configuration.md)'
    })
  }
  return {
    source: preset.name,
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

function readFileOrigin (name: string, bytes: Buffer, values: Environment, env: Variables): Origin {
  const parsed = parseJsonText(bytes)
  if (!parsed.ok) return failed(name, { place: `${parsed.line}:${parsed.column}`, message: parsed.message })
  const { value, problems, used } = substituteVariables(parsed.value, env)
  const unused = Object.keys(values).filter((variable) => FILELESS.test(variable) && !used.has(variable))
  return {
    source: name,
    value,
    problems,
    warnings: unused.length === 0
      ? []
      : [`environment: ${unused.join(', ')} set without effect, because there is a configuration file; in it, refer to a variable as \${NAME}`],
    renamePlace: (place) => place,
    file: resolve(name)
  }
}
