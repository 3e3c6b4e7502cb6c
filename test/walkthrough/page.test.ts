import t from 'tap'
import { findMissing, readSteps } from './page.js'

const PAGE = `# A page

\`\`\`json
{}
\`\`\`

## One

\`\`\`sh
echo 'a'
echo 'b'
\`\`\`

Some words.

\`\`\`
a
b
\`\`\`

## Two

\`\`\`sh
true
\`\`\`
`

t.test('the blocks of a page, under their headings, with what they print', async (t) => {
  t.strictSame(readSteps(PAGE), [
    { title: 'One', commands: "echo 'a'\necho 'b'\n", expected: ['a', 'b'] },
    { title: 'Two', commands: 'true\n', expected: [] }
  ])
})

t.test('the expected lines are printed in their order, among others', async (t) => {
  const output = 'one\r\nnoise\ntwo 2 (x)\nthree'
  for (const expected of [[], ['one', 'three'], ['two … (x)'], ['…e', 'three']]) {
    t.equal(findMissing(output, expected), undefined, expected.join(', '))
  }
  for (const [missing, expected] of [
    ['one', ['two …', 'one']], ['four', ['one', 'four']], ['tw', ['tw']], ['t.o 2 (x)', ['t.o 2 (x)']],
    ['one', ['one', 'one']]
  ] as const) {
    t.equal(findMissing(output, expected), missing, `${missing} is missing`)
  }
})
