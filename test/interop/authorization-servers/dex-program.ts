import { join } from 'node:path'
import { ROOT } from '../../helpers/root.js'
import { findGo } from '../compiled.js'
import { CACHE, install, run } from '../installation.js'

/** The release that is tried; go.mod and docs/dex.md name its commit. */
export const DEX = '2.45.1'

const SOURCES = join(ROOT, 'test/interop/authorization-servers/dex')
/** Compiling takes a minute or two. */
const BUILD_LIMIT_MS = 600_000

/** Returns the path of Dex, which is compiled once. Throws Missing when this machine cannot do it. */
export async function findDex (signal: AbortSignal): Promise<string> {
  const folder = join(CACHE, `dex@${DEX}`)
  await install(folder, `Go cannot build Dex ${DEX}`, async (fresh) => {
    const target = join(fresh, 'dex')
    const args = ['build', '-buildvcs=false', '-trimpath', '-o', target, 'github.com/dexidp/dex/cmd/dex']
    const env = { ...process.env, CGO_ENABLED: '0' }
    await run(await findGo(signal), args, { cwd: SOURCES, env, signal, timeout: BUILD_LIMIT_MS })
  })
  return join(folder, 'dex')
}
