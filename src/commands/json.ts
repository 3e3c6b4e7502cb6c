import type { Output } from './io.js'

/** A document for programs. Members are added, never renamed or removed, while `version` is 1. */
export type JsonDocument = { readonly version: 1 } & Readonly<Record<string, unknown>>

/**
 * Prints one JSON document, in ASCII: servers and callers chose parts of it, and a terminal may show it.
 */
export function printJson (document: JsonDocument, output: Output): void {
  output.print(JSON.stringify(document, null, 2).replace(/[^\n\x20-\x7e]/g, escape))
}

function escape (character: string): string {
  return '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0')
}
