/**
 * Writes what is generated: `config.schema.json` and the tables in the pages from the source, the demo's lock
 * file from the one of the root.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { renderJsonSchema } from '../src/options/published-schema.js'
import { findProofs, renderBehaviour } from './behaviour-index.js'
import { renderConfiguration } from './config-reference.js'
import { renderDemoLock, renderDemoManifest } from './demo-lock.js'
import { renderDoctor } from './doctor-reference.js'
import { renderOperations } from './metrics-reference.js'

const root = process.cwd()

async function rewrite (page: string, render: (text: string) => string): Promise<void> {
  const file = join(root, page)
  await writeFile(file, render(await readFile(file, 'utf8')))
}

await rewrite('config.schema.json', renderJsonSchema)
await rewrite('docs/configuration.md', renderConfiguration)
await rewrite('docs/doctor.md', renderDoctor)
await rewrite('docs/operations.md', renderOperations)
await rewrite('docs/behaviour.md', (page) => renderBehaviour(page, findProofs(root)))

const rootLock = await readFile(join(root, 'package-lock.json'), 'utf8')
await rewrite('demo/package.json', (manifest) => renderDemoManifest(manifest, rootLock))
const manifest = await readFile(join(root, 'demo/package.json'), 'utf8')
await writeFile(join(root, 'demo/package-lock.json'), renderDemoLock(manifest, rootLock))
