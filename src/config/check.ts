import { checkAuthorizationServers } from './check-authorization-server.js'
import { checkServer } from './check-server.js'
import type { Config } from './config.js'
import { isSameListener, parseUrl } from './http-url.js'
import type { Normalised, PlaceOf } from './normalise.js'
import type { Problem } from './problem.js'
import { warnAboutNestedUpstreams, warnAboutServer } from './warn.js'

export interface Checked {
  readonly problems: readonly Problem[]
  /** What is allowed but probably not meant for production. */
  readonly warnings: readonly Problem[]
}

/**
 * Checks the rules between options that a schema cannot state. An empty required option is passed over: it was
 * reported when it turned out to be missing.
 */
export function checkConfig ({ config, places }: Normalised): Checked {
  const servers = config.servers.map((server, index) => ({ server, placeOf: places[index] as PlaceOf }))
  return {
    problems: [
      ...servers.flatMap(({ server, placeOf }) => [
        ...checkServer(server, config.listen, placeOf),
        ...checkAuthorizationServers(server.authorizationServers, placeOf)
      ]),
      ...checkPaths(config, places),
      ...checkAdmin(config)
    ],
    warnings: [...servers.flatMap(({ server, placeOf }) => warnAboutServer(server, placeOf)), ...warnAboutNestedUpstreams(config, places)]
  }
}

/** A request names a protected server by its path alone: `Host` decides nothing (behaviour R6). */
function checkPaths (config: Config, places: readonly PlaceOf[]): Problem[] {
  const taken = new Map<string, string>()
  return config.servers.flatMap(({ resource }, index) => {
    const path = parseUrl(resource)?.pathname.replace(/\/+$/, '')
    const place = places[index]?.('resource') ?? ''
    if (path === undefined) return []
    const first = taken.get(path)
    if (first !== undefined) return [{ place, message: `has the same path as ${first}: requests could not be told apart` }]
    taken.set(path, place)
    return []
  })
}

function checkAdmin ({ admin, listen }: Config): Problem[] {
  if (admin === undefined || admin.port === 0 || !isSameListener(admin, listen)) return []
  return [{ place: 'admin.port', message: 'is the port that the gateway itself listens on: choose another one' }]
}
