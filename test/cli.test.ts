import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { todoConfig, writeConfig } from './helpers/configuration.js'
import { CLI, runCli, startProgram } from './helpers/process.js'
import { ROOT } from './helpers/root.js'

t.test('--help explains every command, flag and exit code', async (t) => {
  for (const args of [['--help'], ['-h'], ['explain', '--help']]) {
    const { code, stdout, stderr } = await runCli(t, args)
    t.equal(code, 0)
    t.equal(stderr, '')
    for (const word of ['serve', 'check', 'explain', 'doctor', 'demo', '--other-token', '--origin', '--timeout', '--json', '--config', '--host', '--port', '--tool', '--prompt', '--mcp-resource', '--method',
      '--scopes', '--token', '--resource', '--gateway-port', '--todo-port', '--authorization-server-port', '--help', '--version', '64', '78']) {
      t.ok(stdout.includes(word), word)
    }
    t.ok(stdout.split('\n').every((line) => line.length <= 100), 'fits a terminal')
  }
})

t.test('--version is the version of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  t.match(await runCli(t, ['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

const wrongUsages: Readonly<Record<string, { args: string[], message: RegExp }>> = {
  'an unknown command': { args: ['server'], message: /^postern: there is no command "server"\n/ },
  'a name that objects inherit as command': { args: ['constructor'], message: /^postern: there is no command "constructor"\n/ },
  'an unknown flag': { args: ['--prot', '3000'], message: /^postern: .*--prot/ },
  'a flag of another command': { args: ['check', '--tool', 'x'], message: /^postern: .*--tool/ },
  'a flag without its value': { args: ['serve', '--config'], message: /^postern: .*--config/ },
  'a word too many': { args: ['serve', 'now'], message: /^postern: .*now/ },
  'a port that is not a number': { args: ['serve', '--port', '80x'], message: /^postern: --port must be a port number, 0 to 65535\n/ },
  'a port beyond the last': { args: ['demo', '--todo-port', '65536'], message: /^postern: --todo-port must be a port number, 0 to 65535\n/ },
  'an operation that is not named': { args: ['explain', '--scopes', ''], message: /^postern: explain needs one of --tool, / },
  'two operations': { args: ['explain', '--tool', 'a', '--prompt', 'b', '--scopes', ''], message: /^postern: explain needs one of --tool, / },
  'neither scopes nor a token': { args: ['explain', '--tool', 'a'], message: /^postern: explain needs either --scopes or --token\n/ },
  'both scopes and a token': { args: ['explain', '--tool', 'a', '--scopes', 'a', '--token', 'b'], message: /^postern: explain needs either --scopes or --token\n/ }
}

for (const [name, { args, message }] of Object.entries(wrongUsages)) {
  t.test(`O1: ${name} is wrong usage: exit code 64, what is wrong and the help on standard error`, async (t) => {
    const { code, stdout, stderr } = await runCli(t, args, { cwd: t.testdir() })
    t.equal(code, 64)
    t.equal(stdout, '')
    t.match(stderr, message)
    t.ok(stderr.includes('\nUsage: postern [command] [options]\n'))
  })
}

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
