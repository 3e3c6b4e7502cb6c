import t from 'tap'
import { isModern, requirementsOf } from '../../src/mcp/revision.js'

t.test('revisions from 2026-07-28 on are modern', async (t) => {
  for (const version of ['2026-07-28', '2026-07-29', '2026-12-01', '2027-01-01', '2028-02-29', '9999-12-31']) t.equal(isModern(version), true, version)
})

t.test('earlier revisions are legacy', async (t) => {
  for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-27', '0001-01-01']) t.equal(isModern(version), false, version)
})

t.test('what is no date is not modern', async (t) => {
  const versions = [
    undefined, '', '2026', '2026-7-28', '2027', '2027-01', '2026-07-28 ', ' 2026-07-28', '2026-07-28\n', '2026-07-28T00:00:00Z', '2026-07-28,2026-07-28', '2026/07/28',
    '2026-13-01', '2026-07-32', '2026-08-00', '2027-02-29', '2026-09-31', 'DRAFT-2026-v1', 'draft', 'latest', '99999-01-01', '+2026-07-28', '２０２６-07-28', '2026-07-2８'
  ]
  for (const version of versions) t.equal(isModern(version), false, JSON.stringify(version) ?? 'none')
})

t.test('modern revisions mirror the body in headers and have neither responses, sessions nor resource subscriptions; the others the reverse', async (t) => {
  t.strictSame(requirementsOf('2026-07-28'), { mirroredHeaders: true, responses: false, sessions: false, resourceSubscriptions: false })
  for (const version of ['2025-11-25', 'draft', undefined]) {
    t.strictSame(requirementsOf(version), {
      mirroredHeaders: false,
      responses: true,
      sessions: true,
      resourceSubscriptions: true
    })
  }
})
