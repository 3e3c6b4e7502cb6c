/** Whom a verified access token speaks for. */
export interface Principal {
  readonly issuer: string
  /** `sub`. Without `sub`, the client id: RFC 9068 §2.2, for tokens without a resource owner. */
  readonly subject: string
  readonly clientId?: string
  readonly scopes: ReadonlySet<string>
  /** Seconds since the epoch. */
  readonly expiresAt: number
}
