import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'

export interface Settlement {
  /** Its path. */
  readonly page: string
  /** What was found, and the page has to say. */
  readonly text: string
  /** Writes the page instead of comparing it. */
  readonly write: boolean
  /** The command that does that. */
  readonly remedy: string
}

/**
 * Returns whether a page of the documentation says what was found; says on standard output what to do when it
 * does not.
 */
export async function settlePage ({ page, text, write, remedy }: Settlement): Promise<boolean> {
  if (write) {
    await writeFile(page, text)
    return true
  }
  const isCurrent = await readFile(page, 'utf8').catch(() => '') === text
  if (!isCurrent) process.stdout.write(`docs/${basename(page)} does not say this: write it with ${remedy}\n`)
  return isCurrent
}
