import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../helpers/root.js'

const reporter = join(ROOT, 'test/reporter/summary.js')

function run (...lines: readonly string[]): string[] {
  const { status, stdout } = spawnSync(process.execPath, [reporter], { input: lines.join('\n'), encoding: 'utf8' })
  if (status !== 0) throw new Error(`the reporter ended with ${status}`)
  return stdout.trimEnd().split('\n')
}

t.test('passing files are one line each, and the counts come last', async (t) => {
  t.strictSame(run(
    'TAP version 14', '1..2',
    '# Subtest: test/a.test.ts', '    ok 1 - holds', '    1..1', 'ok 1 - test/a.test.ts # time=21.9ms', '',
    '# Subtest: test/b.test.ts', '    1..0 # no container engine', 'ok 2 - test/b.test.ts # time=2ms # SKIP no container engine', '',
    '# { total: 12, pass: 9, skip: 3 }', '# time=41ms'
  ), ['ok test/a.test.ts', 'skipped test/b.test.ts', '3 skipped, 0 to do', '9 passed, 0 failed'])
})

t.test('what failed is shown with its diagnostics, what passed beside it is not', async (t) => {
  t.strictSame(run(
    '# Subtest: test/a.test.ts', '    ok 1 - holds', '    not ok 2 - breaks', '      ---', '      diff: |', '        -2', '        +1', '      ...', '    1..2',
    'not ok 1 - test/a.test.ts # time=21.9ms', '  ---', '  command: /usr/bin/node', '  exitCode: 1', '  signal: null', '  ...', '',
    '# Subtest: test/b.test.ts', '    ok 1 - holds', 'ok 2 - test/b.test.ts # time=3ms',
    '# { total: 3, pass: 2, fail: 1 }'
  ), [
    'FAILED test/a.test.ts', '    not ok 2 - breaks', '      ---', '      diff: |', '        -2', '        +1', '      ...', '  exitCode: 1',
    'ok test/b.test.ts', '2 passed, 1 failed'
  ])
})

t.test('a file that breaks off counts as a failure although tap counted no failing assertion', async (t) => {
  t.strictSame(run('not ok 1 - test/a.test.ts # time=9ms', '# { total: 4, pass: 4 }'), ['FAILED test/a.test.ts', '4 passed, 1 failed'])
})

t.test('without any result the last line is there all the same', async (t) => {
  t.strictSame(run(''), ['0 passed, 0 failed'])
})
