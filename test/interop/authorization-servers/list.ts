import type { AuthorizationServerKind } from './authorization-server.js'
import { DEMO } from './demo.js'
import { DEX_KIND } from './dex.js'
import { listKeycloaks } from './keycloak.js'

/** Returns the authorization servers, in the order of the table. */
export function listAuthorizationServers (): readonly AuthorizationServerKind[] {
  return [DEMO, ...listKeycloaks(), DEX_KIND]
}
