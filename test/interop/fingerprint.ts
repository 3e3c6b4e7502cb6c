import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** Returns a short word that differs when the content of a file differs. */
export async function fingerprint (files: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) hash.update(await readFile(file)).update('\0')
  return hash.digest('hex').slice(0, 12)
}
