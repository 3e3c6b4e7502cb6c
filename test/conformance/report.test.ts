import t from 'tap'
import { formatDocument, formatTable } from './document.js'
import { areIdentical, compareReports, type Check, type Report } from './report.js'

const passed: Check = { name: 'a (A)', status: 'SUCCESS', message: '' }
const failed: Check = { name: 'b (B)', status: 'FAILURE', message: 'got 400' }
const REVISION = '2026-07-28'

function report (checks: readonly Check[], notScored?: string): Report {
  return [{ scenario: 'tools-list', notScored: undefined, checks: [passed] }, {
    scenario: 'caching', notScored, checks
  }]
}

t.test('two runs that found the same are identical, whatever they found', async (t) => {
  const comparison = compareReports(REVISION, report([passed, failed]), report([failed, passed]))
  t.ok(areIdentical(comparison))
  t.match(comparison.rows[1], {
    scenario: 'caching', direct: '1 passed, 1 failed', through: '1 passed, 1 failed', differences: []
  })
  t.match(formatTable([comparison]), /^all +2 passed, 1 failed +2 passed, 1 failed +identical$/m)
})

t.test('a difference in any check makes the runs different and is named', async (t) => {
  const differences: ReadonlyArray<readonly [what: string, direct: Report, through: Report]> = [
    ['another outcome', report([passed]), report([{ ...passed, status: 'WARNING' }])],
    ['another message', report([failed]), report([{ ...failed, message: 'got 404' }])],
    ['another check with the same outcome', report([passed]), report([{ ...passed, name: 'c (C)' }])],
    ['a check less', report([passed, failed]), report([passed])],
    ['a check more', report([passed]), report([passed, failed])],
    ['a check once instead of twice', report([passed, passed, failed]), report([passed, failed, failed])],
    ['a scenario less', report([passed]), report([passed]).slice(0, 1)],
    ['a scenario more', report([passed]).slice(0, 1), report([passed])],
    ['a scenario without checks', report([passed]), report([])],
    ['another score', report([passed]), report([passed], 'pending')]
  ]
  for (const [what, direct, through] of differences) {
    const comparison = compareReports(REVISION, direct, through)
    t.notOk(areIdentical(comparison), what)
    t.strictSame(comparison.rows.map((row) => row.differences.length > 0), [false, true], what)
    t.match(formatTable([comparison]), /DIFFERENT\n[^]*\n\ncaching\n {2}(direct|through): /, what)
    t.match(formatDocument([comparison]), /Not identical\./, what)
  }
})

t.test('runs without scenarios are no proof', async (t) => {
  t.throws(() => compareReports(REVISION, [], []), /no scenarios/)
  t.throws(() => compareReports(REVISION, report([passed]), []), /no scenarios/)
})

t.test('only what is scored counts for the score', async (t) => {
  const runs = report([failed], 'extension')
  t.match(compareReports(REVISION, runs, runs), {
    scored: { direct: '1 passed' }, all: { direct: '1 passed, 1 failed' }
  })
})
