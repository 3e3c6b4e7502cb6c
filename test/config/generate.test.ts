import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { listOptions } from '../../src/options/list.js'
import { renderJsonSchema } from '../../src/options/published-schema.js'
import { OPTIONS_MARKS, renderConfiguration } from '../../tools/config-reference.js'
import { ROOT } from '../helpers/root.js'

const REMEDY = 'run npm run build && npm run generate, and commit what it writes'

function read (name: string): string {
  return readFileSync(join(ROOT, name), 'utf8')
}

t.test('config.schema.json is what the schema says', (t) => {
  t.equal(read('config.schema.json'), renderJsonSchema(), REMEDY)
  t.end()
})

t.test('docs/configuration.md lists what the schema says', (t) => {
  const page = read('docs/configuration.md')
  t.equal(page, renderConfiguration(page), REMEDY)
  for (const { path } of listOptions()) t.ok(page.includes(`\n| \`${path}\` |`), path)
  t.end()
})

t.test('a change of the schema shows in the page', (t) => {
  const page = read('docs/configuration.md').replace('\n| `strictAudience` | boolean | `false` |', '\n| `strictAudience` | boolean | `true` |')
  t.not(page, read('docs/configuration.md'))
  t.equal(renderConfiguration(page), read('docs/configuration.md'))
  t.throws(() => renderConfiguration(page.replace(OPTIONS_MARKS[1], '')), /no place for a table/)
  t.end()
})

t.test('the example in docs/configuration.md is config.example.json', (t) => {
  const [, example] = /```json\n([\s\S]*?)\n```/.exec(read('docs/configuration.md')) ?? []
  t.equal(`${example}\n`, read('config.example.json'))
  t.end()
})
