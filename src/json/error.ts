import type { Span } from './shape.js'

/**
 * `encoding` and `syntax`: the bytes are not a JSON text. `duplicate`, `lookalike` and `surrogate`: JSON that
 * readers disagree about. `depth` and `count`: more than is accepted.
 */
export type JsonErrorKind =
  'encoding' | 'syntax' | 'duplicate' | 'lookalike' | 'surrogate' | 'depth' | 'count'

/** What is wrong with a document, and where. The message never quotes the document. */
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
   * The members that the shape picked from the outermost object, if the document was read to its end and that
   * object is unambiguous; else undefined. They are only good for a response with the sender's `id`, never
   * for acting on the message.
   */
  members: Readonly<Record<string, Span>> | undefined
}
