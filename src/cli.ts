#!/usr/bin/env node
import type { CommandName, FlagsOf } from './commands/command-line.js'
import { EXIT, UsageError, type Output } from './commands/io.js'
import { paintFor } from './commands/paint.js'
import { helpWith, parseCommandLine } from './commands/parse.js'
import { readVersion } from './commands/version.js'

const output: Output = {
  print: (line) => { process.stdout.write(line + '\n') },
  printError: (line) => { process.stderr.write(line + '\n') },
  paint: paintFor(process.stdout),
  paintError: paintFor(process.stderr)
}

type Run<Flags> = (flags: Flags, output: Output) => Promise<number | undefined>

/** Commands are loaded when they run, so that the help does not wait for the modules of a server. */
const LOADERS: { readonly [Name in Exclude<CommandName, 'help'>]: () => Promise<Run<FlagsOf<Name>>> } = {
  serve: async () => (await import('./commands/serve.js')).serve,
  check: async () => (await import('./commands/check.js')).check,
  explain: async () => (await import('./commands/explain.js')).explain,
  doctor: async () => (await import('./commands/doctor.js')).doctor,
  schema: async () => (await import('./commands/schema.js')).schema,
  demo: async () => (await import('./commands/demo.js')).demo,
  completions: async () => (await import('./commands/completions.js')).completions
}

/** Runs one command line. Returns the exit code, or undefined while the command goes on. */
async function main (args: readonly string[]): Promise<number | undefined> {
  const line = parseCommandLine(args)
  if (line.kind === 'run') {
    const run = await LOADERS[line.command]() as Run<typeof line.flags>
    return run(line.flags, output)
  }
  output.print(line.kind === 'version' ? readVersion() : await renderHelpOf(line.command))
  return EXIT.ok
}

async function renderHelpOf (command: CommandName | undefined): Promise<string> {
  const { renderHelp, renderOverview } = await import('./commands/help.js')
  return command === undefined ? renderOverview(output.paint) : renderHelp(command, output.paint)
}

/** Prints a failure, and returns the exit code (O1). */
function report (error: unknown, args: readonly string[]): number {
  const name = output.paintError('red', 'postern:')
  if (error instanceof UsageError) {
    output.printError(`${name} ${error.message}; see ${helpWith(args)}`)
    return EXIT.usage
  }
  output.printError(`${name} ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
  return EXIT.failure
}

// A reader such as `head` may close the pipe early, a user the terminal. That is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
})

const args = process.argv.slice(2)
try {
  const code = await main(args)
  if (code !== undefined) process.exitCode = code
} catch (error) {
  process.exitCode = report(error, args)
}
