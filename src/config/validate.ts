import { Errors } from 'typebox/schema'
import { Settings } from 'typebox/system'
import { configFile } from '../options/gateway.js'
import { isJsonObject } from './json-text.js'
import { formatPlace, resultOf, type Path, type Result } from './problem.js'
import { describeError, withoutAlternatives, type Finding } from './schema-error.js'

/** A file without the members that are wrong: options that the file must have may be missing. */
export interface UsableFile {
  readonly [option: string]: unknown
  readonly servers?: readonly object[]
}

/** TypeBox stops after 8 errors unless told otherwise. */
const MAX_ERRORS = 1000

/**
 * Returns every way in which a value is not a configuration file, and what remains of it without the wrong
 * members, so that rules between options can still be checked.
 */
export function validateFile (value: unknown): Result<UsableFile> {
  const findings = listFindings(value)
  const copy = pruneAll(structuredClone(value), findings)
  // An object has lost a member that it must have: it cannot be used either.
  const usable = pruneAll(copy, listFindings(copy))
  const problems = findings.map(({ path, message }) => ({ place: formatPlace(path), message }))
  return resultOf((isJsonObject(usable) ? usable : {}) as UsableFile, problems)
}

function listFindings (value: unknown): Finding[] {
  const errors = withoutAlternatives(listErrors(value))
  return [...errors.flatMap((error) => describeError(error, value)), ...findMisplaced(value)]
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

/**
 * What depends on whether the file has `servers`; said here because JSON Schema's own words for it help
 * nobody.
 */
function findMisplaced (value: unknown): Finding[] {
  if (!isJsonObject(value) || !Object.hasOwn(value, 'servers')) return []
  const beside = ['resource', 'upstream'].filter((name) => Object.hasOwn(value, name)).map((name) => (
    { path: [name], unusable: [name], message: 'stands in each entry of "servers", not beside it' }
  ))
  if (Object.hasOwn(value, 'authorizationServers') || !Array.isArray(value.servers)) return beside
  return [...beside, ...value.servers.flatMap((entry: unknown, index) => {
    if (!isJsonObject(entry) || Object.hasOwn(entry, 'authorizationServers')) return []
    const path = ['servers', index, 'authorizationServers']
    const message = 'is required, here or once at the top level: whose tokens are accepted'
    return [{ path, unusable: path, message }]
  })]
}

function pruneAll (root: unknown, findings: readonly Finding[]): unknown {
  for (const { unusable } of findings) prune(root, unusable)
  return root
}

/**
 * Removes a member. An element of an array takes the whole array with it, so that no other element changes
 * its place.
 */
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
