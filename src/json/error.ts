import type { Span } from './shape.js'

/**
 * `encoding` and `syntax`: the bytes are no JSON text. The others are JSON that readers disagree about (`duplicate`,
 * `lookalike`, `surrogate`) or more than we take (`depth`, `count`).
 */
export type JsonErrorKind = 'encoding' | 'syntax' | 'duplicate' | 'lookalike' | 'surrogate' | 'depth' | 'count'

/** Says what is wrong with a document and where; the message never quotes the document. */
export class JsonError extends Error {
  override readonly name = 'JsonError'

  constructor (
    readonly kind: JsonErrorKind,
    /** Bytes from the start of the document. */
    readonly offset: number,
    message: string
  ) {
    super(`${message} at byte ${offset}`)
  }

  /**
   * What the shape picked from the outermost object, when the document was read to its end and that object itself is
   * unambiguous: enough to answer the sender by its `id`, never to act upon. Undefined otherwise.
   */
  members: Readonly<Record<string, Span>> | undefined
}
