import { readInstalledVersion } from './programs.js'

/** Releases that package-lock.json decides. */
export interface Versions {
  /** @modelcontextprotocol/client, the 2.x line. */
  readonly client: string
  /** @modelcontextprotocol/sdk, the 1.x line. */
  readonly sdk: string
  /** From npm, not PyPI. */
  readonly fastmcp: string
}

/** Returns the installed versions. */
export async function readVersions (): Promise<Versions> {
  return {
    client: await readInstalledVersion('@modelcontextprotocol/client'),
    sdk: await readInstalledVersion('@modelcontextprotocol/sdk'),
    fastmcp: await readInstalledVersion('fastmcp')
  }
}
