import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../helpers/root.js'
import { DEX } from '../interop/authorization-servers/dex-program.js'
import { KEYCLOAK } from '../interop/authorization-servers/keycloak-program.js'
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

t.test('the pages name the releases that CI runs', async (t) => {
  const [keycloak, dex, goMod] = await Promise.all([
    'docs/keycloak.md', 'docs/dex.md', 'test/interop/authorization-servers/dex/go.mod'
  ].map((path) => readFile(join(ROOT, path), 'utf8')))
  t.match(keycloak, `/releases/download/${KEYCLOAK}/keycloak-${KEYCLOAK}.zip\n`)
  const [, commit] = /github\.com\/dexidp\/dex (v0\S+)/.exec(goMod ?? '') ?? []
  t.match(dex, `github.com/dexidp/dex/cmd/dex@${commit}\n`)
  t.match(dex, `This is Dex ${DEX},`)
})
