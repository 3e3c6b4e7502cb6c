/** Whom a verified access token speaks for. */
export interface Principal {
  readonly issuer: string
  /** `sub`; the client id when the token has no `sub`, as RFC 9068 §2.2 asks of tokens without a resource owner. */
  readonly subject: string
  readonly clientId?: string
  readonly scopes: ReadonlySet<string>
  /** Seconds since the epoch. */
  readonly expiresAt: number
}
