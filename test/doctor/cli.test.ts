import t, { type Test } from 'tap'
import { doctor, type DoctorFlags } from '../../src/commands/doctor.js'
import { UsageError } from '../../src/commands/io.js'
import { PLAIN } from '../../src/commands/paint.js'
import { GROUPS } from '../../src/doctor/groups.js'
import { runCli, type Ended } from '../helpers/process.js'
import { startSampleServer } from './sample-server.js'

const MEMBERS = ['id', 'group', 'about', 'title', 'clause', 'severity', 'result', 'detail']

/** Runs `postern doctor` as users do, with a text on its standard input. */
function run (t: Test, args: readonly string[], input = ''): Promise<Ended> {
  return runCli(t, ['doctor', ...args], { input })
}

t.test('a server that meets every must ends with 0; an unmet should is reported', async (t) => {
  const server = await startSampleServer(t, ['no-scope'])
  const { code, stdout, stderr } = await run(t, [server.url])
  t.equal(code, 0)
  t.equal(stderr, '')
  t.ok(stdout.startsWith(`${server.url}\n\nEndpoint\n  ✓ The URL answers a POST: 401\n`))
  t.ok(stdout.includes([
    '',
    '  ! The challenge says which scopes to ask for',
    '      there is no scope',
    '      MCP 2026-07-28 basic/authorization, Scope Selection Strategy (challenge-scope)',
    '      → Add scope='
  ].join('\n')))
  t.ok(stdout.includes(`\nAuthorization server "${server.issuer.issuer}"\n`))
  t.match(stdout, /\n {2}– 9 checks: needs an access token: --token\n/)
  t.match(stdout, /\n\n\d+ passed, 0 failed, 1 warning, \d+ not checked\n$/)
})

t.test('a server that does not meet every must ends with 1', async (t) => {
  const server = await startSampleServer(t, ['get-open'])
  const { code, stdout } = await run(t, [server.url])
  t.equal(code, 1)
  t.match(stdout, /\n {2}✗ GET without credentials is answered 401 \(or 405\)\n {6}answered 200\n/)
  t.match(stdout, / 1 failed, 0 warnings, /)
})

t.test('--json prints a finding for every check; the token may come from standard input', async (t) => {
  const server = await startSampleServer(t, ['batches', 'duplicates'])
  const token = await server.token()
  const { code, stdout } = await run(
    t, [server.url, '--json', '--token', '-', '--timeout', '9', '--origin', server.origin], `${token}\n`
  )
  t.equal(code, 1)
  const report = JSON.parse(stdout)
  t.strictSame(Object.keys(report), ['version', 'url', 'ok', 'summary', 'findings', 'unseen'])
  t.match(report, {
    version: 1, url: server.url, ok: false, summary: { pass: Number, fail: 1, warn: 1, skip: Number }
  })
  const ids = GROUPS.flatMap(({ checks }) => checks.map(({ id }) => id))
  t.strictSame(report.findings.map(({ id }: { id: string }) => id), ids)
  for (const finding of report.findings) {
    const isUnmet = finding.result === 'fail' || finding.result === 'warn'
    t.strictSame(Object.keys(finding), [...MEMBERS, ...isUnmet ? ['advice'] : []], finding.id)
    t.match(finding.result, /^(pass|fail|warn|skip)$/)
  }
  t.match(report.findings.find(({ id }: { id: string }) => id === 'batch'), {
    group: 'message',
    about: server.url,
    severity: 'must',
    result: 'fail',
    detail: 'answered 200 with a result',
    clause: /^MCP 2026-07-28/,
    advice: /^Answer 400 to an array/
  })
  t.notOk(stdout.includes(token))
})

t.test('wrong usage ends with 64, asks nobody and repeats no token', async (t) => {
  const server = await startSampleServer(t)
  const secret = 'secret-of-the-test'
  const wrong: ReadonlyArray<readonly [flags: DoctorFlags, message: RegExp]> = [
    [{}, /needs the URL/],
    [{ url: 'localhost:3002/mcp' }, /must begin with https:/],
    [{ url: 'ftp://mcp.example/' }, /must begin with https:/],
    [{ url: server.url.replace('//', `//user:${secret}@`) }, /user name or a password/],
    [{ url: `${server.url}#x` }, /fragment/],
    [{ url: server.url, token: `Bearer ${secret}` }, /without "Bearer"/],
    [{ url: server.url, token: '' }, /must be one access token/],
    [{ url: server.url, 'other-token': `${secret}\n` }, /must be one access token/],
    [{ url: server.url, origin: 'app.example' }, /must be an origin/],
    [{ url: server.url, origin: 'https://app.example/' }, /must be an origin/],
    [{ url: server.url, timeout: '0' }, /1 to 999/],
    [{ url: server.url, timeout: '5s' }, /1 to 999/]
  ]
  for (const [flags, message] of wrong) {
    const run = doctor(flags, { print: t.fail, printError: t.fail, paint: PLAIN, paintError: PLAIN })
    const error = await run.catch((error: unknown) => error as Error)
    t.type(error, UsageError)
    t.match(error, { message })
    t.notOk(String(error).includes(secret))
  }
  const { code, stdout, stderr } = await run(t, [server.url, secret])
  t.match({ code, stdout }, { code: 64, stdout: '' })
  t.match(stderr, /there is more than one url/)
  t.notOk(stderr.includes(secret), 'a token in the wrong place')
  t.strictSame(server.received, [])
})
