import type { ServerConfig } from '../options/server.js'
import { isJsonObject } from './json-text.js'
import { formatPlace, type Path } from './problem.js'

/**
 * Returns where an option of a server is written: in its entry, or at the top level when the option is
 * inherited or there is only one server.
 */
export type PlaceOf = (option: string, ...rest: Path) => string

/** A protected server and where its options are written. */
export interface PlacedServer {
  readonly server: ServerConfig
  readonly placeOf: PlaceOf
}

/**
 * Returns where the options of the server with this index are written. The index is undefined for a file
 * without `servers`.
 */
export function placeIn (file: Readonly<Record<string, unknown>>, index: number | undefined): PlaceOf {
  const entries: readonly object[] = Array.isArray(file.servers) ? file.servers : []
  const entry = index === undefined ? undefined : entries[index]
  return (option, ...rest) => {
    const path = [option, ...rest]
    const isOwn = entry !== undefined && (Object.hasOwn(entry, option) || !Object.hasOwn(file, option))
    return formatPlace(isOwn ? ['servers', index ?? 0, ...shorten(entry, path)] : shorten(file, path))
  }
}

/** Returns the path up to the first value without members: an issuer written as a string has no `.issuer`. */
function shorten (root: unknown, path: Path): Path {
  let node = root
  const end = path.findIndex((segment) => {
    if (!Array.isArray(node) && !isJsonObject(node)) return true
    node = (node as Record<string | number, unknown>)[segment]
    return false
  })
  return end === -1 ? path : path.slice(0, end)
}
