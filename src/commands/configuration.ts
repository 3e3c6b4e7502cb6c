import { loadConfig, type LoadedConfig } from '../config/load.js'
import { ConfigError, formatProblem } from '../config/problem.js'
import type { FlagsOf } from './command-line.js'
import { EXIT, UsageError, type Output } from './io.js'
import { printJson } from './json.js'

/** The flags of every command that loads the configuration. */
export type CommonFlags = FlagsOf<'serve'>

/** Loads the configuration from flags, environment and file. Throws ConfigError and UsageError. */
export async function loadForCommand (flags: CommonFlags): Promise<LoadedConfig> {
  const { config, host, port, resource, upstream, issuer, tool } = flags
  const setup = {
    ...(resource === undefined ? {} : { resource }),
    ...(upstream === undefined ? {} : { upstream }),
    ...(issuer === undefined ? {} : { issuers: issuer }),
    ...(tool === undefined ? {} : { tools: tool })
  }
  if (config !== undefined && Object.keys(setup).length > 0) {
    throw new UsageError('--config goes with none of --resource, --upstream, --issuer and --tool: ' +
      'the file says what is protected')
  }
  return loadConfig({
    ...setup,
    ...(config === undefined ? {} : { file: config }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: readPort(port, '--port') })
  })
}

/** Returns a port number. Throws UsageError. */
export function readPort (text: string, flag: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65535) return port
  throw new UsageError(`${flag} must be a port number, 0 to 65535`)
}

/** Prints every problem of a ConfigError, and returns the exit code (O1). Rethrows other errors. */
export function reportConfigError (error: unknown, output: Output): number {
  if (!(error instanceof ConfigError)) throw error
  const { problems, source } = error
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  const where = source === undefined ? '' : ` (${source})`
  output.printError(`${output.paintError('red', 'postern:')} ${count} in the configuration${where}`)
  for (const problem of problems) output.printError(`  ${formatProblem(problem)}`)
  return EXIT.config
}

/** Does the same with one JSON document. */
export function reportConfigErrorAsJson (error: unknown, output: Output): number {
  if (!(error instanceof ConfigError)) throw error
  const { problems, source } = error
  printJson({ version: 1, ok: false, ...(source === undefined ? {} : { source }), problems }, output)
  return EXIT.config
}
