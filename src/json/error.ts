/**
 * `encoding` and `syntax`: the bytes are no JSON text. The others are JSON that readers disagree about (`duplicate`,
 * `lookalike`, `surrogate`) or that some cannot hold (`depth`).
 */
export type JsonErrorKind = 'encoding' | 'syntax' | 'duplicate' | 'lookalike' | 'surrogate' | 'depth'

/** Says what is wrong with a document and where; the message never quotes the document. */
export class JsonError extends Error {
  override readonly name = 'JsonError'

  constructor (
    readonly kind: JsonErrorKind,
    /** Bytes from the start of the document. */
    readonly offset: number,
    message: string
  ) {
    super(message)
  }
}
