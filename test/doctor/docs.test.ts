import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { GROUPS } from '../../src/doctor/groups.js'
import { startTodoServer } from '../../demo/todo-server.js'
import { formatText } from '../../src/doctor/report.js'
import { CHECKS_MARKS, renderDoctor } from '../../tools/doctor-reference.js'
import { ROOT } from '../helpers/root.js'
import { examineSample } from './examination.js'

const page = readFileSync(join(ROOT, 'docs/doctor.md'), 'utf8')
const checks = GROUPS.flatMap(({ checks }) => checks as ReadonlyArray<{ id: string, title: string }>)

t.test('docs/doctor.md lists every check as it is', async (t) => {
  t.equal(page, renderDoctor(page), 'run npm run generate, and commit what it writes')
  for (const { id } of checks) t.ok(page.includes(`\n| \`${id}\` |`), id)
})

t.test('a change of a check shows in the page', async (t) => {
  const changed = page.replace('| `batch` | must |', '| `batch` | should |')
  t.not(changed, page)
  t.equal(renderDoctor(changed), page)
  t.throws(() => renderDoctor(page.replace(CHECKS_MARKS[1], '')), /no place for a table/)
})

t.test('the sample is the doctor\'s report on the demo\'s todo server', async (t) => {
  const todos = await startTodoServer({ port: 0 })
  t.teardown(() => todos.close())
  const [, sample] = /<!-- sample -->\n\n```\n([\s\S]*?)\n```/.exec(page) ?? []
  const text = formatText(todos.url, await examineSample(todos.url))
  t.equal(text.replaceAll(new URL(todos.url).origin, 'http://localhost:8080'), sample)
})

t.test('the findings on the page belong to existing checks', async (t) => {
  const titles = new Set(checks.map(({ title }) => title))
  const shown = [...page.matchAll(/^ {2}[✓✗!–] (?!\d+ checks: )(.+)$/gm)].map(([, line = '']) => line)
  t.ok(shown.length > 20)
  for (const line of shown) {
    t.ok([...titles].some((title) => line === title || line.startsWith(`${title}: `)), line)
  }
  const named = [...page.matchAll(/^- `([a-z-]+)`/gm)].map(([, id = '']) => id)
  t.ok(named.length > 4)
  for (const id of named) t.ok(checks.some((check) => check.id === id), id)
})
