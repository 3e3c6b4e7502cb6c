#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { EXIT, UsageError, type Output } from './commands/io.js'

const HELP = `Postern: an authenticating reverse proxy for MCP servers.

Usage: postern [command] [options]

Commands:
  serve     run the gateway (the default)
  check     print every problem of the configuration, or what would be served
  explain   print the decision about one operation, and the rule behind it
  doctor    examine an MCP server and its authorization servers from outside
  schema    print the JSON Schema of the configuration file, for editors
  demo      run a gateway, a todo server and an authorization server to try

Options of serve, check and explain:
  --config FILE   the configuration (default: POSTERN_CONFIG, or ./config.json)
  --host HOST     where to listen (default: HOST, or 127.0.0.1)
  --port PORT     the port (default: PORT, or 3002)

Options of explain:
  --tool NAME | --prompt NAME | --mcp-resource URI | --method NAME
                  the operation
  --scopes "A B"  the scopes of the caller, or
  --token JWT     an access token, checked as the gateway does
                  (- reads it from standard input)
  --resource URL  the protected resource, if there are several

Options of doctor URL (the URL of an MCP endpoint; only --register
changes anything there):
  --token JWT     an access token for it, for the checks that need one
  --other-token JWT
                  one for another resource, which must be refused
                  (- for either reads it from standard input)
  --register      register clients at its authorization servers, with its scopes and without,
                  and delete them again
  --origin ORIGIN the web page for which CORS is checked (default: the URL's own)
  --timeout SECONDS
                  time limit of each request (default: 5)
  --json          one JSON document instead of text

Options of demo:
  --gateway-port PORT (3002), --todo-port PORT (8080),
  --authorization-server-port PORT (9000)

  --help          this text
  --version       the version

Exit codes: 0 success, 1 failure or denial, 64 wrong usage, 78 wrong configuration.
`

const output: Output = {
  print: (line) => { process.stdout.write(line + '\n') },
  printError: (line) => { process.stderr.write(line + '\n') }
}

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const
const COMMON = { config: text, host: text, port: text }
const OPERATION = { tool: text, prompt: text, 'mcp-resource': text, method: text }
/** Commands are loaded when they run, so that the help does not wait for the modules of a server. */
const COMMANDS = {
  serve: { options: COMMON, load: async () => (await import('./commands/serve.js')).serve },
  check: { options: COMMON, load: async () => (await import('./commands/check.js')).check },
  explain: {
    options: { ...COMMON, ...OPERATION, scopes: text, token: text, resource: text },
    load: async () => (await import('./commands/explain.js')).explain
  },
  doctor: {
    options: { token: text, 'other-token': text, origin: text, timeout: text, register: flag, json: flag },
    positional: 'url',
    load: async () => (await import('./commands/doctor.js')).doctor
  },
  schema: { options: {}, load: async () => (await import('./commands/schema.js')).schema },
  demo: {
    options: { 'gateway-port': text, 'todo-port': text, 'authorization-server-port': text },
    load: async () => (await import('./commands/demo.js')).demo
  }
} as const

/** Runs one command line. Returns the exit code, or undefined while the command goes on. */
async function main (args: readonly string[]): Promise<number | undefined> {
  if (args.includes('--help') || args.includes('-h')) {
    output.print(HELP.trimEnd())
    return EXIT.ok
  }
  if (args.includes('--version')) {
    output.print(readVersion())
    return EXIT.ok
  }
  const [first] = args
  const isNamed = first !== undefined && !first.startsWith('-')
  const name = isNamed ? first : 'serve'
  if (!Object.hasOwn(COMMANDS, name)) throw new UsageError(`there is no command "${name}"`)
  const command = COMMANDS[name as keyof typeof COMMANDS]
  const flags = parseFlags(args.slice(isNamed ? 1 : 0), command)
  const run = await command.load()
  return run(flags, output)
}

interface Syntax {
  readonly options: NonNullable<ParseArgsConfig['options']>
  /** The name of the one argument that is not a flag. */
  readonly positional?: string
}

function parseFlags (args: string[], { options, positional }: Syntax): Record<string, string> {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: positional !== undefined })
    const [first, ...more] = positionals
    if (more.length > 0) throw new Error(`there is more than one ${positional}`)
    const argument = positional === undefined || first === undefined ? {} : { [positional]: first }
    return { ...values, ...argument } as Record<string, string>
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function readVersion (): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { version: string }
  return version
}

// A reader such as `head` may close the pipe early. That is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code !== 'EPIPE') throw error })

try {
  const code = await main(process.argv.slice(2))
  if (code !== undefined) process.exitCode = code
} catch (error) {
  if (error instanceof UsageError) {
    output.printError(`postern: ${error.message}\n\n${HELP.trimEnd()}`)
    process.exitCode = EXIT.usage
  } else {
    output.printError(`postern: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    process.exitCode = EXIT.failure
  }
}
