import { findDex } from '../interop/authorization-servers/dex-program.js'
import { findKeycloakArchive } from '../interop/authorization-servers/keycloak-program.js'

/** A walk-through, and what it needs. */
export interface Page {
  /** Relative to the repository. */
  readonly path: string
  /** What the page would fetch, unless it is in the folder under this name. `find` throws without it. */
  readonly program: { readonly name: string, readonly find: (signal: AbortSignal) => Promise<string> }
  /** The name under which its person signs in. */
  readonly person: string
}

export const PAGES: readonly Page[] = [
  { path: 'docs/dex.md', program: { name: 'dex', find: findDex }, person: 'alice@example.com' },
  {
    path: 'docs/keycloak.md',
    program: { name: 'keycloak.zip', find: findKeycloakArchive },
    person: 'alice'
  }
]
