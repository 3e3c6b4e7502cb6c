import t from 'tap'
import { formatDocument, formatTable } from './document.js'
import type { Outcome, Row } from './outcome.js'

function row (upstream: string, ...outcomes: readonly Outcome[]): Row {
  return {
    upstream,
    speaks: 'legacy',
    cells: outcomes.map((outcome, index) => ({ client: `client ${index + 1}`, outcome }))
  }
}

const OK: Outcome = { kind: 'ok', steppedUp: true }
const CONTENT: Outcome = { kind: 'ok', steppedUp: false }
const ALL_AT_ONCE: Outcome = { kind: 'ok', steppedUp: true, note: 'It has all of them.' }
const IMPOSSIBLE: Outcome = { kind: 'impossible', reason: 'the upstream speaks legacy revisions only' }

t.test('the page numbers each reason once, in order, and cells refer to the numbers', async (t) => {
  const outcomes = {
    upstreams: [row('one', OK, IMPOSSIBLE), row('two', CONTENT, IMPOSSIBLE)],
    authorizationServers: [row('three', ALL_AT_ONCE, CONTENT)],
    grades: []
  }
  const text = formatDocument(outcomes, [['npm', 'fastmcp', '1.2.3']])
  t.match(text, [
    '| server | speaks | client 1 | client 2 |',
    '|---|---|---|---|',
    '| one | legacy | ok | – (1) |',
    '| two | legacy | ok (2) | – (1) |',
    ''
  ].join('\n'))
  t.match(text, '| authorization server | registration | client 1 | client 2 |\n|---|---|---|---|\n| three | legacy | ok (3) | ok (2) |\n')
  t.match(text, '\n1. The upstream speaks legacy revisions only.\n2. It says which scope is missing')
  t.match(text, '\n3. It has all of them.\n')
  t.match(text, '| npm | `fastmcp` | 1.2.3 |')
})

t.test('a failure shows in the page and in the table, and its text cannot break a row', async (t) => {
  const rows = [row('one', { kind: 'failed', what: 'got a | b\nand more' }, {
    kind: 'missing', reason: 'Python not found'
  })]
  t.match(
    formatDocument({ upstreams: rows, authorizationServers: [], grades: [] }, []),
    /\| FAILED \(1\) \| missing \(2\) \|\n[^]*\n1\. Got a \\\| b and more\.\n2\. Python not found\./
  )
  t.equal(formatTable(rows), '     client 1  client 2\none  FAILED    missing')
})
