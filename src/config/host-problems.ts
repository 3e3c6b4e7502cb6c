import { areToldApartByHost, hostsOf, routedPath } from '../options/hosts.js'
import { parseUrl } from '../options/http-url.js'
import type { PlacedServer } from './place.js'
import type { Problem } from './problem.js'

/**
 * Returns why requests for several protected servers could not be told apart. The path tells them apart.
 * Where two have the same path, `Host` does so for all of them, and each host belongs to one authority (R7).
 */
export function findHostProblems (servers: readonly PlacedServer[]): Problem[] {
  if (!areToldApartByHost(servers.map(({ server }) => server))) return []
  const owners = new Map<string, PlacedServer>()
  return servers.flatMap((placed, index) => {
    const twin = servers.slice(0, index).find((other) => isSame(placed, other))
    if (twin !== undefined) {
      const place = placed.placeOf('resource')
      const first = twin.placeOf('resource')
      return [{ place, message: `has the same host and path as ${first}: requests could not be told apart` }]
    }
    return hostsOf(placed.server).flatMap((host) => {
      const owner = owners.get(host) ?? placed
      owners.set(host, owner)
      if (authorityOf(owner) === authorityOf(placed)) return []
      const message = `is a host of ${owner.placeOf('resource')}, too: ` +
        'some resources have the same path, so each host must belong to one of them'
      const place = placeOfHost(placed, host) ?? placeOfHost(owner, host) ?? placed.placeOf('resource')
      return [{ place, message }]
    })
  })
}

function isSame (one: PlacedServer, other: PlacedServer): boolean {
  const path = routedPath(one.server.resource)
  if (path === undefined || path !== routedPath(other.server.resource)) return false
  return authorityOf(one) === authorityOf(other)
}

function authorityOf ({ server: { resource } }: PlacedServer): string | undefined {
  return parseUrl(resource)?.host
}

/** Returns where a host is written out; undefined when it is the resource's own. */
function placeOfHost ({ server: { hosts = [] }, placeOf }: PlacedServer, host: string): string | undefined {
  const index = hosts.findIndex((other) => other.toLowerCase() === host)
  return index === -1 ? undefined : placeOf('hosts', index)
}
