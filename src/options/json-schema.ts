import type { TSchema } from 'typebox'

/** The part of JSON Schema that our schemas use. */
export interface SchemaNode {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | SchemaNode
  readonly propertyNames?: SchemaNode
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly else?: SchemaNode
  readonly pattern?: string
  readonly $ref?: string
  readonly minimum?: number
  readonly maximum?: number
}

/** Returns the schema of the file as written: a member that has a default may be left out. */
export function asWritten (schema: TSchema): SchemaNode {
  return mapNodes(schema as SchemaNode, ({ required, ...node }) => {
    const needed = required?.filter((name) => node.properties?.[name]?.default === undefined) ?? []
    return needed.length === 0 ? node : { ...node, required: needed }
  })
}

/** Returns a copy of a schema in which each node has been replaced, inner nodes first. */
export function mapNodes (node: SchemaNode, replace: (node: SchemaNode) => SchemaNode): SchemaNode {
  return replace(mapChildren(node, (child) => mapNodes(child, replace)))
}

/** Returns a copy of a node with its direct children replaced. */
export function mapChildren (node: SchemaNode, replace: (child: SchemaNode) => SchemaNode): SchemaNode {
  const { properties, items, anyOf, additionalProperties, propertyNames } = node
  const replaced = {
    ...(properties && { properties: mapValues(properties, replace) }),
    ...(items && { items: replace(items) }),
    ...(anyOf && { anyOf: anyOf.map(replace) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: replace(additionalProperties) }),
    ...(propertyNames && { propertyNames: replace(propertyNames) })
  }
  return { ...node, ...replaced }
}

function mapValues<From, To> (
  values: Readonly<Record<string, From>>,
  change: (value: From) => To
): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]))
}
