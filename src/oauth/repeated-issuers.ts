import type { AuthorizationServerConfig } from '../config/config.js'

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
 * Returns every issuer that is named again, in the order in which they are written. When two authorization servers
 * claim one issuer, nobody can say whose keys and audiences hold; when one repeats itself, nothing is in doubt.
 */
export function findRepeatedIssuers (servers: ReadonlyArray<Pick<AuthorizationServerConfig, 'issuer' | 'issuers'>>): RepeatedIssuer[] {
  const seen = new Map<string, IssuerPath>()
  return servers.flatMap(listIssuers).flatMap(({ issuer, path }) => {
    const first = seen.get(issuer)
    if (first !== undefined) return [{ issuer, path, first }]
    seen.set(issuer, path)
    return []
  })
}

function listIssuers (
  { issuer, issuers }: Pick<AuthorizationServerConfig, 'issuer' | 'issuers'>, server: number
): Array<Pick<RepeatedIssuer, 'issuer' | 'path'>> {
  return [
    { issuer, path: [server, 'issuer'] },
    ...issuers.map((further, index) => ({ issuer: further, path: [server, 'issuers', index] as const }))
  ]
}
