import { readFile, writeFile } from 'node:fs/promises'
import { renderPage } from './reference.js'

const page = new URL('../../docs/doctor.md', import.meta.url)

await writeFile(page, renderPage(await readFile(page, 'utf8')))
