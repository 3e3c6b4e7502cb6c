/** Whom a verified access token speaks for. */
export interface Principal {
  readonly issuer: string
  readonly subject: string
  readonly clientId?: string
  readonly scopes: ReadonlySet<string>
  /** Seconds since the epoch. */
  readonly expiresAt: number
  readonly claims: Readonly<Record<string, unknown>>
}
