import type { TSchema } from 'typebox'
import { configFile } from './gateway.js'
import { asWritten, mapChildren, mapNodes, type SchemaNode } from './json-schema.js'
import { rule } from './policy.js'
import { server } from './server.js'
import { scope } from './terms.js'

/** Schemas with a name: the file holds each only once. */
const NAMED: Readonly<Record<string, TSchema>> = { scope, rule, ...server.properties }

/** Returns the text of `config.schema.json`: JSON Schema of the configuration file, as editors read it. */
export function renderJsonSchema (): string {
  const { schema, definitions } = shareDefinitions(mapNodes(configFile, allowVariables))
  const head = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:postern:config.schema.json'
  }
  return `${JSON.stringify({ ...head, ...schema, $defs: definitions }, null, 2)}\n`
}

/** Allows `${…}` in every string, because an editor sees the file before variables are replaced. */
function allowVariables (node: SchemaNode): SchemaNode {
  return node.pattern === undefined ? node : { ...node, pattern: `${node.pattern}|^\\$\\{` }
}

interface SharedSchema {
  readonly schema: SchemaNode
  readonly definitions: Readonly<Record<string, SchemaNode>>
}

function shareDefinitions (root: SchemaNode): SharedSchema {
  const published = (schema: TSchema): SchemaNode => mapNodes(asWritten(schema), allowVariables)
  const names = new Map(Object.entries(NAMED).map(([name, schema]) => [textOf(published(schema)), name]))
  const definitions: Record<string, SchemaNode> = {}
  function share (node: SchemaNode): SchemaNode {
    const name = names.get(textOf(node))
    if (name === undefined) return mapChildren(node, share)
    definitions[name] ??= mapChildren(node, share)
    return { $ref: `#/$defs/${name}` }
  }
  return { schema: mapChildren(root, share), definitions }
}

const textOf = (node: SchemaNode): string => JSON.stringify(node)
