import type { AuthorizationServerContext } from './authorization-server.js'
import type { CheckGroup } from './check.js'
import { authorizationServerChecks } from './checks-authorization-server.js'
import { challengeChecks } from './checks-challenge.js'
import { messageChecks } from './checks-message.js'
import { metadataChecks } from './checks-metadata.js'
import { registrationChecks } from './checks-registration.js'
import { tokenChecks } from './checks-token.js'
import { browserChecks, endpointChecks } from './checks-transport.js'
import type { Context } from './context.js'

export type ResourceGroup = CheckGroup<Context> & { readonly kind: 'resource' }
export type AuthorizationServerGroup = CheckGroup<AuthorizationServerContext> & {
  readonly kind: 'authorization-server'
}

/** Repeated for each authorization server that the resource names. */
export const AUTHORIZATION_SERVER_GROUP: AuthorizationServerGroup = {
  kind: 'authorization-server',
  id: 'authorization-server',
  title: 'Authorization server',
  checks: [...authorizationServerChecks, ...registrationChecks]
}

/** Every check, in the order in which they are made and printed. */
export const GROUPS: ReadonlyArray<ResourceGroup | AuthorizationServerGroup> = [
  { kind: 'resource', id: 'endpoint', title: 'Endpoint', checks: endpointChecks },
  { kind: 'resource', id: 'challenge', title: 'Challenge', checks: challengeChecks },
  { kind: 'resource', id: 'metadata', title: 'Protected resource metadata', checks: metadataChecks },
  AUTHORIZATION_SERVER_GROUP,
  { kind: 'resource', id: 'browser', title: 'Browsers', checks: browserChecks },
  { kind: 'resource', id: 'token', title: 'Access token', checks: tokenChecks },
  { kind: 'resource', id: 'message', title: 'Messages', checks: messageChecks }
]
