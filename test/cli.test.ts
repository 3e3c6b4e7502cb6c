import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { COMMANDS, type CommandSpec } from '../src/commands/command-line.js'
import { todoConfig, writeConfig } from './helpers/configuration.js'
import { CLI, runCli, startProgram, type Ended } from './helpers/process.js'
import { ROOT } from './helpers/root.js'

const ESC = '\u001b'

const fitsTerminal = (text: string): boolean => text.split('\n').every((line) => line.length <= 100)

t.test('postern help and --help name every command and exit code', async (t) => {
  for (const args of [['--help'], ['-h'], ['help'], ['help', 'help'], ['--port', '1', '--help']]) {
    const { code, stdout, stderr } = await runCli(t, args)
    t.match({ code, stderr }, { code: 0, stderr: '' }, args.join(' '))
    for (const name of Object.keys(COMMANDS)) t.match(stdout, new RegExp(`^  ${name} +\\w`, 'm'), name)
    for (const word of ['postern help COMMAND', '-h, --help', '-v, --version', '64', '78']) t.ok(stdout.includes(word), word)
    t.ok(fitsTerminal(stdout), 'fits a terminal')
  }
})

for (const [name, spec] of Object.entries<CommandSpec>(COMMANDS).filter(([name]) => name !== 'help')) {
  t.test(`postern help ${name} names its options, and no other command's`, async (t) => {
    const { code, stdout, stderr } = await runCli(t, ['help', name])
    t.match({ code, stderr }, { code: 0, stderr: '' })
    for (const more of ['--help', '-h']) t.equal((await runCli(t, [name, more])).stdout, stdout, more)
    const shown = [...stdout.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, option]) => option)
    t.strictSame(shown, [...Object.keys(spec.options), 'help', 'version'])
    if (spec.argument !== undefined) t.ok(stdout.includes(`postern ${name} ${spec.argument.value}`), 'the argument')
    t.ok(fitsTerminal(stdout), 'fits a terminal')
  })
}

t.test('--version and -v are the version of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  for (const args of [['--version'], ['-v'], ['explain', '-v']]) t.match(await runCli(t, args), { code: 0, stdout: `${version}\n`, stderr: '' })
})

const wrongUsages: Readonly<Record<string, { args: string[], message: string }>> = {
  'an unknown command': { args: ['expalin'], message: 'there is no command "expalin" (did you mean explain?); see postern --help' },
  'a command that nothing resembles': { args: ['frobnicate'], message: 'there is no command "frobnicate"; see postern --help' },
  'help for an unknown command': { args: ['help', 'dotcor'], message: 'there is no command "dotcor" (did you mean doctor?); see postern --help' },
  'an unknown command with --help': { args: ['chekc', '--help'], message: 'there is no command "chekc" (did you mean check?); see postern --help' },
  'a name that objects inherit as command': { args: ['constructor'], message: 'there is no command "constructor"; see postern --help' },
  'a command with an escape sequence': { args: ['\u001b[31m\nx'], message: 'there is no command "\\u{1b}[31m\\u{a}x"; see postern --help' },
  'an unknown option': { args: ['--prot', '3000'], message: 'there is no option --prot here (did you mean --port?); see postern serve --help' },
  'an option that objects inherit': { args: ['check', '--constructor', 'x'], message: 'there is no option --constructor here; see postern check --help' },
  'an unknown letter': { args: ['check', '-x'], message: 'there is no option -x here; see postern check --help' },
  'an option of another command': { args: ['check', '--prompt', 'x'], message: 'there is no option --prompt here; see postern check --help' },
  'an option without its value': { args: ['serve', '--config'], message: '--config needs a value: --config=FILE; see postern serve --help' },
  'an option in the place of a value': { args: ['serve', '--config', '--port', '1'], message: '--config needs a value: --config=FILE; see postern serve --help' },
  'an option that is given twice': { args: ['explain', '--scopes', 'a', '--scopes', 'b'], message: '--scopes is given more than once; see postern explain --help' },
  'a value of a switch': { args: ['doctor', 'http://localhost', '--json=no'], message: '--json takes no value; see postern doctor --help' },
  'a word too many': { args: ['serve', 'now'], message: 'there is an argument too many: "now"; see postern serve --help' },
  'no argument where one is needed': { args: ['doctor'], message: 'doctor needs the URL of an MCP endpoint; see postern doctor --help' },
  'a port that is not a number': { args: ['serve', '--port', '80x'], message: '--port must be a port number, 0 to 65535; see postern serve --help' },
  'a port beyond the last': { args: ['demo', '--todo-port', '65536'], message: '--todo-port must be a port number, 0 to 65535; see postern demo --help' },
  'an operation that is not named': { args: ['explain', '--scopes', ''], message: 'explain needs one of --tool, --prompt, --mcp-resource, --method; see postern explain --help' },
  'two operations': { args: ['explain', '--tool', 'a', '--prompt', 'b', '--scopes', ''], message: 'explain needs one of --tool, --prompt, --mcp-resource, --method; see postern explain --help' },
  'both scopes and a token': { args: ['explain', '--tool', 'a', '--scopes', 'a', '--token', 'b'], message: 'explain takes --scopes or --token, not both; see postern explain --help' },
  'flags of a set-up beside a file': { args: ['check', '--config', 'x', '--upstream', 'http://localhost'], message: '--config goes with none of --resource, --upstream, --issuer and --tool: the file says what is protected; see postern check --help' },
  'a rule in the place of the operation': { args: ['explain', '--issuer', 'https://login.example', '--tool', 'a=b', '--scopes', 'b'], message: 'explain needs one of --tool, --prompt, --mcp-resource, --method; see postern explain --help' },
  'two tools': { args: ['explain', '--tool', 'a', '--tool', 'b', '--scopes', 'b'], message: 'explain needs one of --tool, --prompt, --mcp-resource, --method; see postern explain --help' },
  'a shell that is not known': { args: ['completions', 'bsh'], message: 'completions needs a shell: bash, zsh, fish (did you mean bash?); see postern completions --help' },
  'no shell': { args: ['completions'], message: 'completions needs a shell: bash, zsh, fish; see postern completions --help' }
}

for (const [name, { args, message }] of Object.entries(wrongUsages)) {
  t.test(`O1: ${name} is wrong usage: exit code 64, and one line on standard error`, async (t) => {
    const { code, stdout, stderr } = await runCli(t, args, { cwd: t.testdir() })
    t.strictSame({ code, stdout, stderr }, { code: 64, stdout: '', stderr: `postern: ${message}\n` })
  })
}

t.test('what begins with a dash is a value after an equals sign, and a lone dash always is', async (t) => {
  const { file } = writeConfig(t, todoConfig())
  const explain = (...flags: string[]): Promise<Ended> => runCli(t, ['explain', '--config', file, '--tool', 'list_todos', ...flags], { input: 'x' })
  t.match(await explain('--scopes=-x'), { code: 1, stdout: /^denied / })
  t.match(await explain('--token', '-'), { code: 1, stdout: /^the token is not accepted: / })
})

const SETUP = ['--resource', 'http://localhost:3002/mcp', '--upstream', 'http://localhost:8080/mcp', '--issuer', 'http://localhost:9000', '--tool', 'list_*=todo:read', '--tool', 'a=b=c']

t.test('check and explain take the flags that serve takes without a file', async (t) => {
  const cwd = t.testdir()
  const { code, stdout, stderr } = await runCli(t, ['check', ...SETUP], { cwd })
  t.match({ code, stderr }, { code: 0, stderr: '' })
  for (const part of [/^ok: options of the command line$/m, /^resource +http:\/\/localhost:3002\/mcp$/m, /^tools +list_\* +todo:read$/m, /^tools +\(unlisted\) +nobody$/m]) t.match(stdout, part)
  type Case = readonly [operation: string[], scopes: string, outcome: RegExp, code: number]
  const cases: readonly Case[] = [
    [['--tool', 'list_todos'], 'todo:read', /^allowed by tools\.list_\*\n/, 0],
    [['--tool', 'list_todos'], '', /^denied \(insufficient_scope\) by tools\.list_\*\n/, 1],
    [['--tool', 'a'], 'b=c', /^allowed by tools\.a\n/, 0],
    [['--tool', 'delete_todo'], 'todo:read', /^denied \(unlisted\)/, 1],
    [['--prompt', 'x'], 'todo:read', /^denied \(unlisted\)/, 1]
  ]
  for (const [operation, scopes, outcome, expected] of cases) {
    t.match(await runCli(t, ['explain', ...SETUP, ...operation, '--scopes', scopes], { cwd }), { code: expected, stdout: outcome, stderr: '' })
  }
})

t.test('explain with a file takes a tool name with an equals sign as it is', async (t) => {
  const { file } = writeConfig(t, todoConfig({ policy: { tools: { 'a=b': 'x' } } }))
  t.match(await runCli(t, ['explain', '--config', file, '--tool', 'a=b', '--scopes', 'x']), { code: 0, stdout: /^allowed by / })
})

t.test('colour: none in a pipe, some when FORCE_COLOR is set, none with NO_COLOR', async (t) => {
  const { file } = writeConfig(t, todoConfig())
  const allowed = ['explain', '--config', file, '--tool', 'list_todos', '--scopes', 'todo:read']
  const cases: ReadonlyArray<readonly [args: string[], painted: string]> = [
    [['help'], `${ESC}[1mUsage:${ESC}[22m`],
    [['check', '--config', file], `${ESC}[32mok:${ESC}[39m `],
    [allowed, `${ESC}[32mallowed by tools.list_todos${ESC}[39m\n`],
    [[...allowed.slice(0, -1), ''], `${ESC}[31mdenied `],
    [['bogus'], `${ESC}[31mpostern:${ESC}[39m there`]
  ]
  for (const [args, painted] of cases) {
    const inStyle = await runCli(t, args, { env: { FORCE_COLOR: '1' } })
    t.ok((inStyle.stdout + inStyle.stderr).includes(painted), args.join(' '))
    for (const env of [{}, { NO_COLOR: '1' }]) {
      const { stdout, stderr } = await runCli(t, args, { env })
      t.notOk((stdout + stderr).includes(ESC), args.join(' '))
    }
  }
})

t.test('colour: on a terminal, and not with NO_COLOR', { skip: existsSync('/usr/bin/script') ? false : 'there is no script(1)' }, async (t) => {
  const onTerminal = async (env: Record<string, string>): Promise<string> => {
    const program = startProgram(t, '/usr/bin/script', ['-qfc', `${process.execPath} ${CLI} help`, '/dev/null'], { env: { TERM: 'xterm-256color', ...env }, input: '' })
    return (await program.ended).stdout
  }
  t.ok((await onTerminal({})).includes(`${ESC}[1mUsage:`))
  t.notOk((await onTerminal({ NO_COLOR: '1' })).includes(ESC))
})

for (const args of [[], ['serve'], ['check'], ['explain', '--tool', 'a', '--scopes', 'b']]) {
  t.test(`postern ${args.join(' ')} without any configuration says what to do, with exit code 78`, async (t) => {
    const { code, stdout, stderr } = await runCli(t, args, { cwd: t.testdir() })
    t.equal(code, 78)
    t.equal(stdout, '')
    for (const advice of ['./config.json', 'config.example.json', '--config', 'POSTERN_CONFIG', 'UPSTREAM_URL']) t.ok(stderr.includes(advice), advice)
  })
}

t.test('O1: every problem of a configuration is listed with its place: of the environment, the schema, between options, and of the policy', async (t) => {
  const { file } = writeConfig(t, todoConfig({
    polcy: {},
    upstream: 'localhost:8080',
    limits: { drainMs: '1' },
    policy: { tools: { 'a*': 'x', '*a': 'y', b: 'has space' }, implies: { a: ['b'], b: ['a'] } }
  }))
  for (const command of ['serve', 'check', 'explain']) {
    const more = command === 'explain' ? ['--tool', 'a', '--scopes', ''] : []
    const { code, stdout, stderr } = await runCli(t, [command, '--config', file, ...more], { env: { PORT: '99999' } })
    t.equal(code, 78)
    t.equal(stdout, '')
    const [heading, ...problems] = stderr.trimEnd().split('\n')
    t.equal(heading, `postern: 7 problems in the configuration (${file})`)
    t.match(problems, [
      /^ {2}PORT: must be a whole number from 0 to 65535$/,
      /^ {2}polcy: .*did you mean "policy"\?$/,
      /^ {2}upstream: must be an absolute URL/,
      /^ {2}policy\.tools\.b: must be a scope/,
      /^ {2}limits\.drainMs: must be a whole number$/,
      /^ {2}policy\.tools\.a\*, tools\.\*a: both patterns match "a"/,
      /^ {2}policy\.implies\.a: a → b → a is a cycle$/
    ])
  }
})

t.test('a syntax error is named with its line and column, a missing file by its name', async (t) => {
  const { file, directory } = writeConfig(t, '{\n  "resource": "http://localhost/mcp",\n}')
  const broken = await runCli(t, ['check', '--config', file])
  t.equal(broken.code, 78)
  t.match(broken.stderr, `postern: one problem in the configuration (${file})\n  3:1: `)
  const missing = await runCli(t, ['check', '--config', `${directory}/none.json`])
  t.equal(missing.code, 78)
  t.match(missing.stderr, `  ${directory}/none.json: there is no such configuration file\n`)
})

t.test('a reader that closes the pipe early is not a failure', async (t) => {
  // true(1) reads nothing and ends long before the program prints.
  const program = startProgram(t, 'bash', ['-c', `${process.execPath} ${CLI} --help | true; echo "code \${PIPESTATUS[0]}"`])
  t.match(await program.ended, { stdout: 'code 0\n', stderr: '' })
})
