import {
  COMMANDS, EXIT_CODES, GENERAL_OPTIONS,
  type ArgumentSpec, type CommandName, type CommandSpec, type OptionSpec
} from './command-line.js'
import { PLAIN, type Paint } from './paint.js'

type Rows = ReadonlyArray<readonly [string, string]>

/** Returns how to use Postern. */
export function renderOverview (paint: Paint = PLAIN): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary] as const)
  return [
    'Postern: an authenticating reverse proxy for MCP servers.',
    section('Usage', ['postern [command] [options]'], paint),
    section('Commands', columns(commands, paint), paint),
    section('Options of every command', columns(optionRows(GENERAL_OPTIONS), paint), paint),
    `${paint('bold', 'Exit codes:')} ${EXIT_CODES}.`,
    'postern help COMMAND says more about one of them.'
  ].join('\n\n')
}

/** Returns how to use a command. */
export function renderHelp (name: CommandName, paint: Paint = PLAIN): string {
  const { summary, details, argument, options, examples = [] }: CommandSpec = COMMANDS[name]
  const usage = ['postern', name, ...(argument === undefined ? [] : [argument.value])]
  const rows = [...argumentRows(argument), ...optionRows({ ...options, ...GENERAL_OPTIONS })]
  return [
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    ...(details === undefined ? [] : [details]),
    section('Usage', [`${usage.join(' ')}${Object.keys(options).length === 0 ? '' : ' [options]'}`], paint),
    section('Options', columns(rows, paint), paint),
    ...(examples.length === 0 ? [] : [section('Examples', examples, paint)])
  ].join('\n\n')
}

function section (title: string, lines: readonly string[], paint: Paint): string {
  return [paint('bold', `${title}:`), ...lines.map((line) => `  ${line}`)].join('\n')
}

function argumentRows (argument: ArgumentSpec | undefined): Rows {
  return argument === undefined ? [] : [[argument.value, argument.description]]
}

function optionRows (options: Readonly<Record<string, OptionSpec>>): Rows {
  return Object.entries(options).map(([name, { value, short, description, isRepeatable }]) => {
    const spelling = `${short === undefined ? '' : `-${short}, `}--${name}`
    const times = isRepeatable === true ? '; may be repeated' : ''
    return [value === undefined ? spelling : `${spelling} ${value}`, description + times]
  })
}

/** A row with a long beginning must not widen the others. */
const WIDEST = 22

function columns (rows: Rows, paint: Paint): string[] {
  const width = Math.max(...rows.map(([first]) => first.length).filter((length) => length <= WIDEST), 0)
  return rows.flatMap(([first, second]) => {
    const painted = paint('cyan', first)
    if (first.length > width) return [painted, `${' '.repeat(width + 2)}${second}`]
    return [`${painted}${' '.repeat(width - first.length + 2)}${second}`]
  })
}
