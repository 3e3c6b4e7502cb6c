import { parseArgs, type ParseArgsConfig } from 'node:util'
import { suggest } from '../config/suggest.js'
import { printable } from '../policy/printable.js'
import { COMMANDS, isCommand, type CommandName, type CommandSpec, type OptionSpec } from './command-line.js'
import { UsageError } from './io.js'

type Value = string | readonly string[] | true

export type CommandLine =
  | { readonly kind: 'version' }
  /** Without a command: the overview. */
  | { readonly kind: 'help', readonly command?: CommandName }
  | {
    readonly kind: 'run'
    readonly command: Exclude<CommandName, 'help'>
    readonly flags: Readonly<Record<string, Value>>
  }

/** Reads a command line. Throws UsageError. */
export function parseCommandLine (args: readonly string[]): CommandLine {
  const { name, rest } = splitName(args)
  if (asksFor(rest, '--help', '-h')) return helpFor(name)
  if (asksFor(rest, '--version', '-v')) return { kind: 'version' }
  const command = readName(name ?? 'serve')
  const flags = parseFlags(rest, COMMANDS[command])
  if (command !== 'help') return { kind: 'run', command, flags }
  return helpFor(flags.command as string | undefined)
}

/** Returns the command line that helps with a wrong one. */
export function helpWith (args: readonly string[]): string {
  const { name = 'serve' } = splitName(args)
  return isCommand(name) && name !== 'help' ? `postern ${name} --help` : 'postern --help'
}

function splitName (args: readonly string[]): { readonly name?: string, readonly rest: string[] } {
  const [name, ...rest] = args
  return name === undefined || name.startsWith('-') ? { rest: [...args] } : { name, rest }
}

/** Counts wherever it stands, but not after `--`, which ends the options. */
function asksFor (args: readonly string[], ...spellings: readonly string[]): boolean {
  const end = args.indexOf('--')
  return args.slice(0, end === -1 ? undefined : end).some((arg) => spellings.includes(arg))
}

function helpFor (name = 'help'): CommandLine {
  const command = readName(name)
  return command === 'help' ? { kind: 'help' } : { kind: 'help', command }
}

function readName (name: string): CommandName {
  if (isCommand(name)) return name
  throw new UsageError(`there is no command ${quote(name)}${hint(name, Object.keys(COMMANDS))}`)
}

function parseFlags (args: string[], { options, argument }: CommandSpec): Record<string, Value> {
  const types: ParseArgsConfig['options'] = Object.fromEntries(Object.entries(options).map(
    ([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }]
  ))
  // Not strict: the messages of Node say too much, and suggest nothing.
  const { tokens } = parseArgs({ args, options: types, strict: false, tokens: true })
  const flags: Record<string, Value> = {}
  for (const token of tokens) {
    if (token.kind === 'option') {
      const option = findOption(token, options)
      flags[token.name] = addValue(flags[token.name], readValue(token, option), token, option)
    } else if (token.kind === 'positional') {
      if (argument === undefined) throw new UsageError(`there is an argument too many: ${quote(token.value)}`)
      if (flags[argument.name] !== undefined) throw new UsageError(`there is more than one ${argument.name}`)
      flags[argument.name] = token.value
    }
  }
  return flags
}

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function findOption ({ name, rawName }: OptionToken, options: CommandSpec['options']): OptionSpec {
  const option = Object.hasOwn(options, name) ? options[name] : undefined
  if (option !== undefined) return option
  const nearest = hint(name, Object.keys(options), '--')
  throw new UsageError(`there is no option ${printable(rawName)} here${nearest}`)
}

function readValue (token: OptionToken, option: OptionSpec): string | true {
  const { rawName, value, inlineValue } = token
  if (option.value === undefined) {
    if (value === undefined) return true
    throw new UsageError(`${rawName} takes no value`)
  }
  // A lone `-` is a value: standard input.
  const isForgotten = value === undefined || (inlineValue !== true && /^-./.test(value))
  if (isForgotten) throw new UsageError(`${rawName} needs a value: ${rawName}=${option.value}`)
  return value
}

/** An option that is given twice by mistake must not decide by its place. */
function addValue (
  earlier: Value | undefined, value: string | true, { rawName }: OptionToken, option: OptionSpec
): Value {
  if (option.isRepeatable === true) return [...(earlier ?? []) as readonly string[], String(value)]
  if (earlier === undefined) return value
  throw new UsageError(`${rawName} is given more than once`)
}

function hint (word: string, known: readonly string[], prefix = ''): string {
  const nearest = suggest(word, known)
  return nearest === undefined ? '' : ` (did you mean ${prefix}${nearest}?)`
}

/** On one line, whatever was typed. */
function quote (text: string): string {
  return `"${printable(text)}"`
}
