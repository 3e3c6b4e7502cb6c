import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceBetween } from './page.js'

export const INDEX_MARKS = ['<!-- tests: written by `npm run generate` -->', '<!-- /tests -->'] as const

/** A title that begins with the sentences it proves: `'A5, A6: …'`. */
const TITLE = /[(\s]['"`]((?:[A-Z]\d{1,2}[a-z]?, )*[A-Z]\d{1,2}[a-z]?): /g

/** A sentence's number → the test files that prove it → how many of their titles name it. */
export type Proofs = ReadonlyMap<string, ReadonlyMap<string, number>>

/** Returns which test files name which sentences in their titles. `root` is the repository's folder. */
export function findProofs (root: string): Proofs {
  const proofs = new Map<string, Map<string, number>>()
  for (const file of listTests(root)) {
    for (const [, ids = ''] of readFileSync(join(root, file), 'utf8').matchAll(TITLE)) {
      for (const id of ids.split(', ')) {
        const files = proofs.get(id) ?? new Map<string, number>()
        proofs.set(id, files.set(file, (files.get(file) ?? 0) + 1))
      }
    }
  }
  return proofs
}

/** Returns the numbers of the sentences in `docs/behaviour.md`, in their order. */
export function listSentences (page: string): string[] {
  return [...page.matchAll(/^### ([A-Z]\d{1,2}[a-z]?)$/gm)].map(([, id = '']) => id)
}

/**
 * Returns `docs/behaviour.md` with its index of tests written anew. Throws Error when the page has no place
 * for it.
 */
export function renderBehaviour (page: string, proofs: Proofs): string {
  const rows = listSentences(page).map(
    (id) => `| [${id}](#${id.toLowerCase()}) | ${formatFiles(proofs.get(id))} |`
  )
  return replaceBetween(
    page, INDEX_MARKS, ['| sentence | tests that name it |', '|---|---|', ...rows].join('\n')
  )
}

function formatFiles (files: ReadonlyMap<string, number> = new Map()): string {
  return [...files].map(([file, count]) => count === 1 ? `\`${file}\`` : `\`${file}\` (${count})`).join(', ')
}

function listTests (root: string): string[] {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  return files.filter((file) => file.endsWith('.test.ts')).map((file) => `test/${file}`).sort()
}
