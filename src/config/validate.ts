import { Settings } from 'typebox/system'
import { Errors } from 'typebox/schema'
import { isJsonObject } from './json-text.js'
import { describeError, withoutAlternatives } from './schema-error.js'
import type { Finding } from './schema-error.js'
import { formatPlace } from './problem.js'
import type { Path, Problem } from './problem.js'
import { configFile } from './schema.js'
import type { ConfigFile, ServerEntry } from './schema.js'

/** A file without the members that are wrong: options that the file must have may be missing. */
export type UsableFile = Omit<ConfigFile, 'servers'> & { servers?: Partial<ServerEntry>[] }

export interface Validated {
  readonly problems: readonly Problem[]
  readonly usable: UsableFile
}

/** TypeBox stops after 8 errors unless told otherwise. */
const MAX_ERRORS = 1000

/**
 * Returns every way in which a value is not a configuration file, and what remains of it without the wrong members, so
 * that rules between options can still be checked.
 */
export function validateFile (value: unknown): Validated {
  const findings = [
    ...withoutAlternatives(listErrors(value)).flatMap((error) => describeError(error, value)),
    ...findMisplaced(value)
  ]
  const copy = structuredClone(value)
  for (const { unusable } of findings) prune(copy, unusable)
  return {
    problems: findings.map(({ path, message }) => ({ place: formatPlace(path), message })),
    usable: (isJsonObject(copy) ? copy : {}) as UsableFile
  }
}

function listErrors (value: unknown) {
  const { maxErrors } = Settings.Get()
  Settings.Set({ maxErrors: MAX_ERRORS })
  try {
    return Errors(configFile, value)[1]
  } finally {
    Settings.Set({ maxErrors })
  }
}

/** What depends on whether the file has `servers`; said here because JSON Schema's own words for it help nobody. */
function findMisplaced (value: unknown): Finding[] {
  if (!isJsonObject(value) || !Object.hasOwn(value, 'servers')) return []
  const beside = ['resource', 'upstream'].filter((name) => Object.hasOwn(value, name)).map((name) => (
    { path: [name], unusable: [name], message: 'stands in each entry of "servers", not beside it' }
  ))
  if (Object.hasOwn(value, 'authorizationServers') || !Array.isArray(value.servers)) return beside
  return [...beside, ...value.servers.flatMap((entry: unknown, index) => {
    if (!isJsonObject(entry) || Object.hasOwn(entry, 'authorizationServers')) return []
    const path = ['servers', index, 'authorizationServers']
    return [{ path, unusable: path, message: 'is required, here or once at the top level: whose tokens are accepted' }]
  })]
}

/** Removes a member. An element of an array takes the whole array with it, so that no other element changes its place. */
function prune (root: unknown, path: Path): void {
  let node = root
  let holder: Record<string, unknown> | undefined
  let member = ''
  for (const segment of path) {
    if (Array.isArray(node)) {
      node = node[Number(segment)]
    } else if (isJsonObject(node)) {
      holder = node
      member = String(segment)
      node = Object.hasOwn(node, member) ? node[member] : undefined
    } else {
      return
    }
  }
  if (holder !== undefined) delete holder[member]
}
