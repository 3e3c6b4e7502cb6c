/** Whom a verified access token speaks for. */
export interface Principal {
  readonly issuer: string
  /** `sub`. Without `sub`, the client id, of a token that is the client's own (RFC 9068 §2.2). */
  readonly subject: string
  readonly clientId?: string
  readonly scopes: ReadonlySet<string>
  /** Seconds since the epoch. */
  readonly expiresAt: number
}
