import { environment } from '../src/options/environment.js'
import type { SchemaNode } from '../src/options/json-schema.js'
import { listOptions, type Option } from '../src/options/list.js'
import { replaceBetween } from './page.js'

export const OPTIONS_MARKS = ['<!-- options: written by `npm run generate` -->', '<!-- /options -->'] as const
const VARIABLES_MARKS = ['<!-- variables: written by `npm run generate` -->', '<!-- /variables -->'] as const

/**
 * Returns `docs/configuration.md` with its tables written anew. Throws Error when the page has no place for
 * them.
 */
export function renderConfiguration (page: string): string {
  return replaceBetween(
    replaceBetween(page, OPTIONS_MARKS, renderOptions()), VARIABLES_MARKS, renderVariables()
  )
}

function renderOptions (): string {
  return renderTable('option', listOptions().map(renderRow))
}

function renderVariables (): string {
  const properties: Readonly<Record<string, SchemaNode>> = environment.properties
  const rows = Object.entries(properties).map(
    ([path, schema]) => renderRow({ path, schema, required: false })
  )
  return renderTable('variable', rows)
}

function renderTable (first: string, rows: readonly string[]): string {
  return [`| ${first} | type | default | |`, '|---|---|---|---|', ...rows].join('\n')
}

function renderRow ({ path, schema, required }: Pick<Option, 'path' | 'schema' | 'required'>): string {
  const type = [typeOf(schema), rangeOf(schema)].filter((part) => part !== '').join(', ')
  const cells = [`\`${path}\``, type, required ? 'required' : defaultOf(schema), schema.description ?? '']
  return `| ${cells.join(' | ')} |`.replaceAll('  ', ' ')
}

/** An empty object says no more than the defaults of its members. */
function defaultOf (schema: SchemaNode): string {
  const text = JSON.stringify(schema.default)
  return text === undefined || text === '{}' ? '' : `\`${text}\``
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

function rangeOf ({ minimum, maximum }: SchemaNode): string {
  if (minimum === undefined) return ''
  return maximum === undefined ? `≥ ${minimum}` : `${minimum}–${maximum}`
}
