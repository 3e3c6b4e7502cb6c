import { Errors } from 'typebox/schema'
import { Settings } from 'typebox/system'
import { configFile } from '../options/gateway.js'
import { isJsonObject } from './json-text.js'
import { formatPlace, resultOf, type Path, type Result } from './problem.js'
import { describeError, withoutAlternatives, type Finding } from './schema-error.js'

/** A file without its wrong members. Required options may be missing. */
export interface UsableFile {
  readonly [option: string]: unknown
  readonly servers?: readonly object[]
}

/** TypeBox stops after 8 errors unless told otherwise. */
const MAX_ERRORS = 1000

const NOBODY_TRUSTED = 'is required, here or once at the top level: it says whose tokens are accepted'

/**
 * Returns every fault of a configuration file against the schema. The value is the file without its wrong
 * members, so that rules between options can still be checked.
 */
export function validateFile (value: unknown): Result<UsableFile> {
  const findings = listFindings(value)
  const copy = pruneAll(structuredClone(value), findings)
  // An object that has lost a required member cannot be used either.
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
 * Returns the faults that depend on whether the file has `servers`. JSON Schema's own errors for them do not
 * help an operator.
 */
function findMisplaced (value: unknown): Finding[] {
  if (!isJsonObject(value) || !Object.hasOwn(value, 'servers')) return []
  const misplaced = ['resource', 'upstream'].filter((name) => Object.hasOwn(value, name))
  const beside = misplaced.map((name) => (
    { path: [name], unusable: [name], message: 'belongs in each entry of "servers", not beside it' }
  ))
  if (Object.hasOwn(value, 'authorizationServers') || !Array.isArray(value.servers)) return beside
  return [...beside, ...value.servers.flatMap((entry: unknown, index) => {
    if (!isJsonObject(entry) || Object.hasOwn(entry, 'authorizationServers')) return []
    const path = ['servers', index, 'authorizationServers']
    return [{ path, unusable: path, message: NOBODY_TRUSTED }]
  })]
}

function pruneAll (root: unknown, findings: readonly Finding[]): unknown {
  for (const { unusable } of findings) prune(root, unusable)
  return root
}

/** Removes a member. For an array element it removes the whole array, so that no other element moves. */
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
