import t from 'tap'
import { readToolRules } from '../../src/config/tool-rules.js'

t.test('a rule is a name or pattern, and the scopes that it needs', async (t) => {
  t.strictSame(readToolRules(['list_*=todo:read', 'delete_todo=todo:write  todo:admin', 'a=b=c', '__proto__=x']), {
    value: Object.fromEntries([['list_*', ['todo:read']], ['delete_todo', ['todo:write', 'todo:admin']], ['a', ['b=c']], ['__proto__', ['x']]]),
    problems: [],
    warnings: []
  })
})

for (const [text, message] of Object.entries({
  list_todos: /^it names no scope; write it as name=scope/,
  'list_todos=': /^it names no scope/,
  'list_todos=  ': /^it names no scope/,
  '=todo:read': /^it names no tool/,
  '': /^it names no scope|^it names no tool/,
  'list_todos="todo:read"': /^"\\"todo:read\\"" is not a scope/,
  'list_todos=todo:read\tall': /is not a scope/
})) {
  t.test(`${JSON.stringify(text)} is no rule: nothing may be open by mistake`, async (t) => {
    const { value, problems } = readToolRules(['other=scope', text])
    t.strictSame(value, { other: ['scope'] })
    t.match(problems, [{ place: `--tool ${JSON.stringify(text)}`, message }])
    t.equal(problems.length, 1)
  })
}

t.test('a second rule for a name is a mistake, not a choice', async (t) => {
  t.match(readToolRules(['a=write', 'a=read']), { value: { a: ['write'] }, problems: [{ message: /another rule/ }] })
})
