/** Writes what is generated from the source: `config.schema.json` and the tables in the pages. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { renderJsonSchema } from '../src/options/published-schema.js'
import { findProofs, renderBehaviour } from './behaviour-index.js'
import { renderConfiguration } from './config-reference.js'
import { renderDoctor } from './doctor-reference.js'

const root = process.cwd()

async function rewrite (page: string, render: (text: string) => string): Promise<void> {
  const file = join(root, page)
  await writeFile(file, render(await readFile(file, 'utf8')))
}

await rewrite('config.schema.json', renderJsonSchema)
await rewrite('docs/configuration.md', renderConfiguration)
await rewrite('docs/doctor.md', renderDoctor)
await rewrite('docs/behaviour.md', (page) => renderBehaviour(page, findProofs(root)))
