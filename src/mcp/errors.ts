/** Error codes that the gateway sends (JSON-RPC 2.0 §5.1; MCP 2026-07-28 basic/index, Error Codes). */
export const PARSE_ERROR = -32700
export const INVALID_REQUEST = -32600
export const METHOD_NOT_FOUND = -32601
export const INVALID_PARAMS = -32602
/** The upstream or the gateway failed. */
export const INTERNAL_ERROR = -32603
export const HEADER_MISMATCH = -32020

export type MessageErrorCode =
  | typeof PARSE_ERROR | typeof INVALID_REQUEST | typeof METHOD_NOT_FOUND | typeof INVALID_PARAMS
  | typeof HEADER_MISMATCH

/**
 * A message that cannot be examined, or that is not what its method requires. The text is for the client and
 * quotes nothing of the message.
 */
export class MessageError extends Error {
  override readonly name = 'MessageError'

  constructor (
    readonly code: MessageErrorCode,
    message: string,
    /** The JSON text of the request's `id`; undefined when it has none, or none that can be trusted. */
    readonly idJson?: string | undefined
  ) {
    super(message)
  }
}

export interface JsonRpcError {
  /** The JSON text of the request's `id`, as the request writes it. */
  readonly idJson?: string | undefined
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/**
 * Returns a JSON-RPC error response. The `id` is inserted as text, so that no integer loses digits. Without
 * an id the member is left out; it is never null (MCP 2026-07-28 basic/index, Error Responses).
 */
export function jsonRpcErrorBody ({ idJson, code, message, data }: JsonRpcError): string {
  const id = idJson === undefined ? '' : `"id":${idJson},`
  return `{"jsonrpc":"2.0",${id}"error":${JSON.stringify({ code, message, data })}}`
}
