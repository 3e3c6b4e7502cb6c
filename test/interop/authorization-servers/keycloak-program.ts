import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CACHE, install, run } from '../installation.js'
import { Missing } from '../outcome.js'

/** The release from Maven Central that is tried; docs/keycloak.md names the same. */
export const KEYCLOAK = '26.7.3'

const ARTIFACT = `org.keycloak:keycloak-quarkus-dist:${KEYCLOAK}:zip`
/** The archive has 180 MB. */
const FETCH_LIMIT_MS = 300_000

/** Returns the path of Keycloak's archive, which is fetched once. Throws Missing when Maven cannot. */
export async function findKeycloakArchive (signal: AbortSignal): Promise<string> {
  await requireProgram('java', '-version')
  const folder = join(CACHE, `keycloak@${KEYCLOAK}-archive`)
  await install(folder, `Maven cannot fetch Keycloak ${KEYCLOAK}`, async (fresh) => {
    await requireProgram('mvn', '--version')
    // A repository of its own, or the archive would be on the disk twice.
    const repository = join(fresh, 'repository')
    await run('mvn', [
      '--batch-mode', '--quiet', `-Dmaven.repo.local=${repository}`, 'dependency:copy',
      `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${fresh}`
    ], { signal, timeout: FETCH_LIMIT_MS, cwd: fresh })
    await rename(join(fresh, `keycloak-quarkus-dist-${KEYCLOAK}.zip`), join(fresh, 'keycloak.zip'))
    await rm(repository, { recursive: true })
  })
  return join(folder, 'keycloak.zip')
}

/** Returns the folder of an unpacked Keycloak, which is unpacked once. Throws Missing without Java. */
export async function findKeycloak (signal: AbortSignal): Promise<string> {
  const archive = await findKeycloakArchive(signal)
  const folder = join(CACHE, `keycloak@${KEYCLOAK}`)
  await install(folder, 'unzip cannot unpack Keycloak', async (fresh) => {
    await requireProgram('unzip', '-v')
    await run('unzip', ['-q', archive, '-d', fresh], { signal })
  })
  return join(folder, `keycloak-${KEYCLOAK}`)
}

async function requireProgram (program: string, ...args: readonly string[]): Promise<void> {
  await run(program, [...args]).catch(() => { throw new Missing(`${program} not found`) })
}
