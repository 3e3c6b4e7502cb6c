import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../helpers/root.js'

const reporter = join(ROOT, 'test/reporter/summary.js')

interface Report {
  readonly exitCode: number | null
  readonly lines: readonly string[]
}

function report (...lines: readonly string[]): Report {
  const { status, stdout } = spawnSync(process.execPath, [reporter], { input: lines.join('\n'), encoding: 'utf8' })
  return { exitCode: status, lines: stdout.trimEnd().split('\n') }
}

t.test('passing files are one line each, and the counts come last', async (t) => {
  t.strictSame(report(
    'TAP version 14',
    '1..2',
    '# Subtest: test/a.test.ts',
    '    # Subtest: first',
    '        ok 1 - holds',
    '        ok 2 - holds, too',
    '        1..2',
    '    ok 1 - first # time=20ms',
    '    ',
    '    # Subtest: second',
    '        ok 1 - holds',
    '        1..1',
    '    ok 2 - second # time=1ms',
    '    1..2',
    'ok 1 - test/a.test.ts # time=21.9ms',
    '',
    '# Subtest: test/b.test.ts',
    '    1..0 # no container engine',
    'ok 2 - test/b.test.ts # time=2ms # SKIP no container engine',
    '',
    '# { total: 12, pass: 9, skip: 3 }',
    '# time=41ms'
  ), {
    exitCode: 0,
    lines: ['ok test/a.test.ts', 'skipped test/b.test.ts', '1 skipped, 0 to do', '2 passed, 0 failed']
  })
})

t.test('tests are counted, neither their assertions nor the tests that hold them', async (t) => {
  const { lines } = report(
    '1..1',
    '# Subtest: test/a.test.ts',
    '    # Subtest: outer',
    '        ok 1 - an assertion before',
    '        # Subtest: inner',
    '            ok 1 - holds',
    '            1..1',
    '        ok 2 - inner # time=1ms',
    '        # Subtest: other',
    '            1..0',
    '        ok 3 - other # time=1ms',
    '        ok 4 - an assertion after',
    '        ok 5 - later # SKIP not here',
    '        ok 6 - some day # TODO',
    '        1..6',
    '    ok 1 - outer # time=2ms',
    '    ok 2 - an assertion outside of all tests',
    '    1..2',
    'ok 1 - test/a.test.ts # time=9ms'
  )
  t.strictSame(lines, ['ok test/a.test.ts', '1 skipped, 1 to do', '2 passed, 0 failed'])
})

t.test('what failed is shown with its diagnostics, what passed beside it is not', async (t) => {
  t.strictSame(report(
    '1..2',
    '# Subtest: test/a.test.ts',
    '    # Subtest: first',
    '        ok 1 - holds',
    '        not ok 2 - breaks',
    '          ---',
    '          diff: |',
    '            -2',
    '            ok 1 - what a diff may hold',
    '          ...',
    '        1..2',
    '    not ok 1 - first # time=1ms',
    '    # Subtest: second',
    '        ok 1 - holds',
    '        1..1',
    '    ok 2 - second # time=1ms',
    '    1..2',
    'not ok 1 - test/a.test.ts # time=21.9ms',
    '  ---',
    '  command: /usr/bin/node',
    '  exitCode: 1',
    '  signal: null',
    '  ...',
    '',
    '# Subtest: test/b.test.ts',
    '    # Subtest: third',
    '        ok 1 - holds',
    '    ok 1 - third',
    'ok 2 - test/b.test.ts # time=3ms',
    '# { total: 4, pass: 3, fail: 1 }'
  ), {
    exitCode: 1,
    lines: [
      'FAILED test/a.test.ts',
      '        not ok 2 - breaks',
      '          ---',
      '          diff: |',
      '            -2',
      '          ...',
      '    not ok 1 - first # time=1ms',
      '  exitCode: 1',
      'ok test/b.test.ts',
      '2 passed, 1 failed'
    ]
  })
})

t.test('a file that breaks off counts as a failure although no test failed', async (t) => {
  t.strictSame(report(
    '1..1',
    '# Subtest: test/a.test.ts',
    '    # Subtest: first',
    '        ok 1 - holds',
    '    ok 1 - first',
    'not ok 1 - test/a.test.ts # time=9ms'
  ), { exitCode: 1, lines: ['FAILED test/a.test.ts', '1 passed, 1 failed'] })
})

t.test('files that did not run are a failure', async (t) => {
  t.strictSame(report(
    '1..2',
    '# Subtest: test/a.test.ts',
    '    # Subtest: first',
    '    ok 1 - first',
    'ok 1 - test/a.test.ts # time=9ms'
  ), { exitCode: 1, lines: ['ok test/a.test.ts', 'FAILED: 1 of 2 test files ran', '1 passed, 1 failed'] })
})

t.test('without any result the last line is still there', async (t) => {
  t.strictSame(report(''), { exitCode: 1, lines: ['FAILED: 0 of 0 test files ran', '0 passed, 1 failed'] })
})
