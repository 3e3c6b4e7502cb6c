import { environment } from './environment.js'
import { listOptions } from './options.js'
import type { Option, SchemaNode } from './options.js'
import { configFile } from './schema.js'

export const OPTIONS_MARKS = ['<!-- options: written by `npm run generate` -->', '<!-- /options -->'] as const
const VARIABLES_MARKS = ['<!-- variables: written by `npm run generate` -->', '<!-- /variables -->'] as const

/** Returns the JSON Schema of the configuration file, as editors and other tools read it. */
export function renderJsonSchema (): string {
  const schema = { $schema: 'http://json-schema.org/draft-07/schema#', ...configFile }
  return `${JSON.stringify(schema, null, 2)}\n`
}

/** Returns a documentation page with the tables between its marks written anew. Throws Error when a mark is missing. */
export function renderPage (page: string): string {
  const withOptions = replaceBetween(page, OPTIONS_MARKS, renderOptions())
  return replaceBetween(withOptions, VARIABLES_MARKS, renderVariables())
}

function replaceBetween (page: string, [open, close]: readonly [string, string], text: string): string {
  const start = page.indexOf(open)
  const end = page.indexOf(close)
  if (start === -1 || end < start) throw new Error(`the page has no place for a table: ${open} … ${close}`)
  return `${page.slice(0, start + open.length)}\n\n${text}\n\n${page.slice(end)}`
}

function renderOptions (): string {
  return renderTable('option', listOptions().map(renderRow))
}

function renderVariables (): string {
  const properties = environment.properties as unknown as Record<string, SchemaNode>
  return renderTable('variable', Object.entries(properties).map(([path, schema]) => renderRow({ path, schema, required: false })))
}

function renderTable (first: string, rows: readonly string[]): string {
  return [`| ${first} | type | default | |`, '|---|---|---|---|', ...rows].join('\n')
}

function renderRow ({ path, schema, required }: Pick<Option, 'path' | 'schema' | 'required'>): string {
  const type = [typeOf(schema), rangeOf(schema)].filter((part) => part !== '').join(', ')
  const fallback = schema.default === undefined ? (required ? 'required' : '') : `\`${JSON.stringify(schema.default)}\``
  return `| \`${path}\` | ${type} | ${fallback} | ${schema.description ?? ''} |`.replaceAll('  ', ' ')
}

function typeOf (schema: SchemaNode): string {
  if (schema.enum !== undefined) return schema.enum.map((item) => `\`${JSON.stringify(item)}\``).join(', ')
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' or ')
  if (schema.type === 'array') return `array of ${pluralTypeOf(schema.items ?? {})}`
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object') return 'map'
  return schema.type ?? ''
}

function pluralTypeOf (schema: SchemaNode): string {
  const types = (schema.anyOf ?? [schema]).map((node) => `${node.enum === undefined ? node.type : 'string'}s`)
  return [...new Set(types)].join(' or ')
}

function rangeOf ({ minimum, exclusiveMinimum, maximum }: SchemaNode): string {
  const from = minimum ?? (exclusiveMinimum === undefined ? undefined : exclusiveMinimum + 1)
  if (from === undefined) return ''
  return maximum === undefined ? `≥ ${from}` : `${from}–${maximum}`
}
