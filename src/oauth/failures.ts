/** The token is not acceptable; `reason` is for the log, never for the client (A8). */
export class InvalidToken extends Error {
  readonly reason: string
  constructor (reason: string) {
    super(reason)
    this.name = 'InvalidToken'
    this.reason = reason
  }
}

/** Keys were never fetched or introspection cannot be reached: 503, never 401 (A6). */
export class AuthorizationServerUnavailable extends Error {
  readonly retryAfterSeconds: number
  constructor (message: string, retryAfterSeconds: number, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AuthorizationServerUnavailable'
    this.retryAfterSeconds = retryAfterSeconds
  }
}
