import { suggest } from '../config/suggest.js'
import {
  COMMANDS, GENERAL_OPTIONS, SHELLS, type CommandSpec, type FlagsOf, type OptionSpec
} from './command-line.js'
import { EXIT, UsageError, type Output } from './io.js'

const RENDERERS = { bash: renderBash, zsh: renderZsh, fish: renderFish } as const

/** Prints a script by which a shell completes commands, options and their values. */
export async function completions ({ shell }: FlagsOf<'completions'>, output: Output): Promise<number> {
  const known = SHELLS.find((one) => one === shell)
  if (known === undefined) {
    const nearest = suggest(shell ?? '', SHELLS)
    const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`
    throw new UsageError(`completions needs a shell: ${SHELLS.join(', ')}${hint}`)
  }
  output.print(RENDERERS[known]().trimEnd())
  return EXIT.ok
}

const NAMES = Object.keys(COMMANDS)

interface Command {
  readonly name: string
  readonly summary: string
  /** What may stand for its argument. */
  readonly words: readonly string[]
  readonly options: ReadonlyArray<readonly [string, OptionSpec]>
}

function listCommands (): Command[] {
  return Object.entries<CommandSpec>(COMMANDS).map(([name, { summary, argument, options }]) => {
    const { offers = [] } = argument ?? {}
    const all = Object.entries<OptionSpec>({ ...options, ...GENERAL_OPTIONS })
    return { name, summary, words: offers === 'commands' ? NAMES : offers, options: all }
  })
}

function spellings ([name, { short }]: readonly [string, OptionSpec]): string[] {
  return [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]
}

/** Where nothing is offered, `-o default` lets bash complete file names. */
function renderBash (): string {
  const words = listCommands().map(({ name, words, options }) => (
    `    ${name}) words='${words.join(' ')}' options='${options.flatMap(spellings).join(' ')}' ;;\n`
  ))
  const values = listCommands().flatMap(({ name, options }) => options.flatMap((option) => {
    const { value, offers = 'files' } = option[1]
    if (value === undefined) return []
    const words = offers === 'files' ? '' : offers.join(' ')
    return spellings(option).map((spelling) => `    ${name}:${spelling}) words='${words}' ;;\n`)
  }))
  return `# Completions of postern for bash: source <(postern completions bash)
_postern () {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command=serve words= options=
  if [[ $COMP_CWORD -gt 1 && \${COMP_WORDS[1]} != -* ]]; then command=\${COMP_WORDS[1]}; fi
  case $command in
${words.join('')}  esac
  if [[ $COMP_CWORD -eq 1 ]]; then words='${NAMES.join(' ')}'; fi
  if [[ $current == -* ]]; then words=$options; fi
  case $command:$previous in
${values.join('')}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _postern postern
`
}

/** The last line serves both a file in $fpath and `source`. */
function renderZsh (): string {
  const names = listCommands().map(({ name, summary }) => `    ${quoteZsh(`${name}:${summary}`)}\n`)
  const cases = listCommands().map(({ name, words, options }) => {
    const specs = [...options.flatMap(zshOption), ...(words.length === 0 ? [] : [`1: :(${words.join(' ')})`])]
    return `    ${name})\n      _arguments ${specs.map(quoteZsh).join(' \\\n        ')} ;;\n`
  })
  return `#compdef postern
# Completions of postern for zsh: source <(postern completions zsh)
_postern () {
  local command=serve
  local -a commands=(
${names.join('')}  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    return
  fi
  if [[ $words[2] != -* ]]; then
    command=$words[2]
    shift words
    (( CURRENT-- ))
  fi
  case $command in
${cases.join('')}  esac
}
if [[ $funcstack[1] == _postern ]]; then _postern "$@"; else compdef _postern postern; fi
`
}

function zshOption (option: readonly [string, OptionSpec]): string[] {
  const { value, description, isRepeatable, offers = [] } = option[1]
  const text = `[${description.replaceAll(/[[\]\\:]/g, '\\$&')}]`
  const action = offers === 'files' ? '_files' : `(${offers.join(' ')})`
  return spellings(option).map((spelling) => {
    const once = isRepeatable === true ? `*${spelling}` : spelling
    return value === undefined ? once + text : `${once}=${text}:${value.replaceAll(':', '\\:')}:${action}`
  })
}

function quoteZsh (text: string): string {
  return `'${text.replaceAll('\'', '\'\\\'\'')}'`
}

/** Without a command it is `serve`, as everywhere. */
function renderFish (): string {
  const lines = listCommands().flatMap(({ name, summary, words, options }) => [
    `complete -c postern -n __fish_use_subcommand -a ${name} -d ${quoteFish(summary)}`,
    ...options.map((option) => `complete -c postern ${fishCondition(name)} ${fishOption(option)}`),
    ...(words.length === 0 ? [] : [`complete -c postern ${fishCondition(name)} ${fishWords(words)}`])
  ])
  return `# Completions of postern for fish: postern completions fish | source
complete -c postern -e
complete -c postern -f
${lines.join('\n')}
`
}

function fishCondition (name: string): string {
  const others = NAMES.filter((other) => other !== 'serve').join(' ')
  const seen = '__fish_seen_subcommand_from'
  return `-n ${quoteFish(name === 'serve' ? `not ${seen} ${others}` : `${seen} ${name}`)}`
}

function fishWords (words: readonly string[]): string {
  return `-a ${quoteFish(words.join(' '))}`
}

function fishOption ([name, option]: readonly [string, OptionSpec]): string {
  const { short, value, description, offers = [] } = option
  const letter = short === undefined ? '' : ` -s ${short}`
  const values = offers === 'files' ? ' -r -F' : ` -x ${fishWords(offers)}`
  return `-l ${name}${letter}${value === undefined ? '' : values} -d ${quoteFish(description)}`
}

function quoteFish (text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`
}
