import { configFile } from './gateway.js'
import type { SchemaNode } from './json-schema.js'

export interface Option {
  /** `policy.tools`, `authorizationServers[].issuer`. */
  readonly path: string
  readonly name: string
  readonly required: boolean
  readonly schema: SchemaNode
}

/** Returns every option of the file in the order of the schema, without those that `servers` repeats. */
export function listOptions (schema: SchemaNode = configFile, prefix = ''): Option[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, option]) => {
    const path = `${prefix}${name}`
    const isRequired = [schema, schema.else].some((node) => node?.required?.includes(name))
    const own = { path, name, required: isRequired, schema: option }
    return path === 'servers' ? [own] : [own, ...listMembers(option, path)]
  })
}

function listMembers (schema: SchemaNode, path: string): Option[] {
  const objects = [schema, ...schema.anyOf ?? []]
  const items = schema.items === undefined ? [] : [schema.items, ...schema.items.anyOf ?? []]
  return [
    ...objects.flatMap((node) => listOptions(node, `${path}.`)),
    ...items.flatMap((node) => listOptions(node, `${path}[].`))
  ]
}

/** Returns the schema at a JSON pointer into the root schema (`#/properties/policy`), or an empty one. */
export function schemaAt (pointer: string): SchemaNode {
  let node: unknown = configFile
  for (const segment of decodePointer(pointer)) {
    node = typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[segment] : undefined
  }
  return (node ?? {}) as SchemaNode
}

/** Returns the segments of a JSON pointer (RFC 6901), with or without a leading `#`. */
export function decodePointer (pointer: string): string[] {
  return pointer.split('/').slice(1).map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}
