import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { COMMANDS, SHELLS, type CommandSpec } from '../../src/commands/command-line.js'
import { runCli, startProgram } from '../helpers/process.js'

const GENERAL = ['--help', '--version']

/** What each shell must offer at the end of a command line. */
const CASES: ReadonlyArray<readonly [line: string, offered: readonly string[]]> = [
  ['postern ', Object.keys(COMMANDS)],
  ['postern ex', ['explain']],
  ['postern completions ', [...SHELLS]],
  ['postern help do', ['doctor']],
  ['postern serve --conf', ['--config']],
  ['postern --conf', ['--config']],
  ['postern explain --mcp', ['--mcp-resource']],
  ['postern check --config ./conf', ['./config-of-this-test.json']],
  ...Object.entries<CommandSpec>(COMMANDS).filter(([name]) => name !== 'help').map(([name, { options }]) => (
    [`postern ${name} --`, [...Object.keys(options).map((option) => `--${option}`), ...GENERAL]] as const
  ))
]

const LINES = CASES.map(([line]) => line)

/** Writes the completions of a shell, and returns the folder in which a file can be completed. */
async function writeCompletions (t: Test, shell: string): Promise<string> {
  const { code, stdout, stderr } = await runCli(t, ['completions', shell])
  t.match({ code, stderr }, { code: 0, stderr: '' })
  const directory = t.testdir({ 'config-of-this-test.json': '{}' })
  writeFileSync(join(directory, 'completions'), stdout)
  return directory
}

function isInstalled (shell: string): boolean {
  try {
    execFileSync(shell, ['-c', 'true'])
    return true
  } catch {
    return false
  }
}

function inShell (shell: string): { skip: string | false } {
  return { skip: isInstalled(shell) ? false : `${shell} is not installed` }
}

/**
 * Runs a script in the folder for all command lines, and returns what it prints for each of them, line by
 * line: after a line `# command line`.
 */
async function offersOf (t: Test, shell: string, args: readonly string[]): Promise<Map<string, string[]>> {
  const cwd = await writeCompletions(t, shell)
  const program = startProgram(t, shell, [...args, ...LINES], { cwd, env: { TERM: 'dumb' } })
  const { code, stdout, stderr } = await program.ended
  t.match({ code, stderr }, { code: 0, stderr: '' })
  return new Map(stdout.split(/^# /m).slice(1).map((part) => {
    const [line = '', ...lines] = part.split('\n').map((one) => one.replace(/\r$/, ''))
    return [line, lines.filter((one) => one.trim() !== '')]
  }))
}

function matchCases (t: Test, found: ReadonlyMap<string, readonly string[]>): void {
  for (const [line, offered] of CASES) {
    t.strictSame([...found.get(line) ?? []].sort(), [...offered].sort(), line)
  }
}

t.test('bash completes commands, options, values and files', inShell('bash'), async (t) => {
  // What readline does: file names where the function offers nothing, as `complete -o default` says.
  const script = `
    source ./completions
    [[ $(complete -p postern) == *'-o default'* ]] || exit 3
    for line in "$@"; do
      read -ra COMP_WORDS <<< "$line"
      if [[ $line == *' ' ]]; then COMP_WORDS+=(''); fi
      COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
      _postern
      if [[ \${#COMPREPLY[@]} -eq 0 ]]; then COMPREPLY=($(compgen -f -- "\${COMP_WORDS[-1]}")); fi
      printf '# %s\\n' "$line"
      printf '%s\\n' "\${COMPREPLY[@]}"
    done`
  matchCases(t, await offersOf(t, 'bash', ['-c', script, 'bash']))
})

t.test('fish completes commands, options, values and files', inShell('fish'), async (t) => {
  const script = `
    source ./completions
    for line in $argv
      echo "# $line"
      complete -C $line | string replace -r '\\t.*' ''
    end
    true`
  matchCases(t, await offersOf(t, 'fish', ['--no-config', '-c', script]))
})

t.test('zsh completes commands, options, values and files', inShell('zsh'), async (t) => {
  // zsh completes only for who types. One match is put into the line, which is then printed in brackets.
  const script = `
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell 'PS1= ; setopt no_prompt_sp; autoload -Uz compinit && compinit -D -u; source ./completions; setopt nobeep; print "rea""dy"'
    zpty -r shell output $'*ready*'
    for line in "$@"; do
      zpty -w -n shell "$line"$'\\t'
      zpty -w -n shell $'\\x01print -r -- "[" \\x05 "]" "do""ne"\\n'
      zpty -r shell output $'*] done*'
      print -r -- "# $line"
      print -r -- $output
    done`
  const printed = await offersOf(t, 'zsh', ['-f', '-c', script, 'zsh'])
  matchCases(t, new Map([...printed].map(([line, lines]) => [line, readZsh(line, lines)])))
})

/** Returns the last word when zsh completed it, else the words that it listed. */
function readZsh (line: string, lines: readonly string[]): string[] {
  const [, completed = ''] = /^\[ (.*) \] done$/.exec(lines.at(-1) ?? '') ?? []
  if (completed.trim() !== line.trim()) return [completed.split(' ').at(-1) ?? '']
  const listed = lines.filter((one) => /^(\S+ +-- |\w+( {2,}\w+)+$)/.test(one))
  return listed.flatMap((one) => one.includes(' -- ') ? one.split(' ').slice(0, 1) : one.split(/ +/))
}
