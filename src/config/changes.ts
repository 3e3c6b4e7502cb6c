import type { Config } from '../options/gateway.js'
import { isJsonObject } from './json-text.js'
import { formatPlace, type Path } from './problem.js'

/** What differs between two configurations, by place. Never what is written there: it may be a secret. */
export interface Changes {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

interface Difference {
  readonly kind: keyof Changes
  readonly path: Path
}

/**
 * Returns what differs between two complete configurations. Named members that come or go, such as rules and
 * upstream headers, are added or removed. So are authorization servers, which go by their issuer, and one of
 * several protected servers, which go by their resource.
 */
export function findChanges (before: Config, after: Config): Changes {
  const isSingle = before.servers.length === 1 && after.servers.length === 1
  const differences = compare(asTree(before, isSingle), asTree(after, isSingle), [])
  const placesOf = (kind: Difference['kind']): string[] => {
    return differences.filter((one) => one.kind === kind).map(({ path }) => formatPlace(path)).sort()
  }
  return { added: placesOf('added'), removed: placesOf('removed'), changed: placesOf('changed') }
}

type Tree = Readonly<Record<string, unknown>>

/** A single server has its options at the top level, as files have. */
function asTree ({ servers, limits, ...process }: Config, isSingle: boolean): Tree {
  const trees = servers.map(({ authorizationServers, ...server }) => ({
    ...server,
    authorizationServers: byName(authorizationServers, ({ issuer }) => issuer)
  }))
  const [first] = trees
  if (!isSingle || first === undefined) {
    return { ...process, limits, servers: byName(trees, ({ resource }) => resource) }
  }
  return { ...process, ...first, limits: { ...limits, ...first.limits } }
}

function byName<Item> (items: readonly Item[], nameOf: (item: Item) => string): Tree {
  return Object.fromEntries(items.map((item) => [nameOf(item), item]))
}

function compare (before: Tree, after: Tree, path: Path): Difference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const differences = names.flatMap((name) => compareMember(before, after, [...path, name], name))
  if (differences.length > 0 || !isReordered(before, after, path)) return differences
  return [{ kind: 'changed', path }]
}

function compareMember (before: Tree, after: Tree, path: Path, name: string): Difference[] {
  if (!Object.hasOwn(before, name)) return [{ kind: 'added', path }]
  if (!Object.hasOwn(after, name)) return [{ kind: 'removed', path }]
  const [old, current] = [before[name], after[name]]
  if (isJsonObject(old) && isJsonObject(current) && !isRule(path)) return compare(old, current, path)
  return JSON.stringify(old) === JSON.stringify(current) ? [] : [{ kind: 'changed', path }]
}

/** `policy.tools.NAME`: what it consists of has no place of its own. */
function isRule (path: Path): boolean {
  return path.at(-3) === 'policy'
}

/** Of maps only the authorization servers have an order: the first one's metadata is mirrored. */
function isReordered (before: Tree, after: Tree, path: Path): boolean {
  const namesOf = (tree: Tree): string => Object.keys(tree).join(' ')
  return path.at(-1) === 'authorizationServers' && namesOf(before) !== namesOf(after)
}
