import { readFile, writeFile } from 'node:fs/promises'
import { renderJsonSchema, renderPage } from './reference.js'

const schema = new URL('../../config.schema.json', import.meta.url)
const page = new URL('../../docs/configuration.md', import.meta.url)

await writeFile(schema, renderJsonSchema())
await writeFile(page, renderPage(await readFile(page, 'utf8')))
