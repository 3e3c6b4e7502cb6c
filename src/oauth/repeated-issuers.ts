import type { AuthorizationServerConfig } from '../options/authorization-server.js'

type NamedIssuers = Pick<AuthorizationServerConfig, 'issuer' | 'issuers'>

/** Where an issuer is named: the index of the authorization server, then the path within it. */
export type IssuerPath = readonly [server: number, ...member: ReadonlyArray<string | number>]

/** An issuer that is named again. */
export interface RepeatedIssuer {
  readonly issuer: string
  readonly path: IssuerPath
  /** Where it is named first. */
  readonly first: IssuerPath
}

/**
 * Returns every issuer that is named again, in the order of the configuration. When two authorization servers
 * claim one issuer, only their order would decide whose keys and audiences count.
 */
export function findRepeatedIssuers (servers: readonly NamedIssuers[]): RepeatedIssuer[] {
  const seen = new Map<string, IssuerPath>()
  return servers.flatMap(listIssuers).flatMap(({ issuer, path }) => {
    const first = seen.get(issuer)
    if (first !== undefined) return [{ issuer, path, first }]
    seen.set(issuer, path)
    return []
  })
}

function listIssuers (
  { issuer, issuers }: NamedIssuers, server: number
): Array<Pick<RepeatedIssuer, 'issuer' | 'path'>> {
  return [
    { issuer, path: [server, 'issuer'] },
    ...issuers.map((further, index) => ({ issuer: further, path: [server, 'issuers', index] as const }))
  ]
}
