import t from 'tap'
import type { ExpectedFinding } from './expected.js'
import type { Check } from './grader.js'
import { judge } from './graders.js'

const PASSED: Check = { id: 'A', isPassed: true, text: 'pass' }
const FAILED: Check = { id: 'B', isPassed: false, text: 'fail: no TLS' }
const EXPECTED: ExpectedFinding = {
  grader: 'mcp-authlab', examined: 'demo', id: 'B', whose: 'the set-up’s', why: 'loopback'
}

t.test('a finding is in order only when exactly this one is expected', async (t) => {
  t.same(judge([PASSED], []), { kind: 'ok', passed: 1, expected: [] })
  t.same(judge([PASSED, FAILED], [EXPECTED]), { kind: 'ok', passed: 1, expected: [EXPECTED] })
  t.match(judge([PASSED, FAILED], []), { kind: 'failed', what: 'B: fail: no TLS' })
  t.match(judge([{ ...FAILED, id: 'B2' }], [EXPECTED]), { kind: 'failed', what: /B2: .*; B no longer comes/ })
  t.match(judge([PASSED, { ...FAILED, isPassed: true }], [EXPECTED]), { kind: 'failed', what: 'B no longer comes' })
  t.match(judge([], []), { kind: 'failed', what: 'it checked nothing' }, 'a grader that was not heard')
})
