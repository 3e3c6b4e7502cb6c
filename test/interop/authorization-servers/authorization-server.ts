import type { Closing } from '../../helpers/closing.js'
import type { Page } from '../clients/chromium.js'

/** The scopes of a protected resource here: every client gets the first, and may ask for the second. */
export const SCOPES = { first: 'use', more: 'admin' } as const

/** A client that was registered by hand. */
export interface KnownClient {
  readonly id: string
  /** What it has to ask for. */
  readonly scope: string
}

export interface TokenRequest {
  readonly resource: string
  readonly scopes: readonly string[]
  readonly subject: string
}

/** An authorization server, ready for one protected resource. */
export interface Issuer {
  readonly issuer: string
  /** The client that was registered; undefined when clients register themselves. */
  readonly client?: KnownClient
  /** Issues an access token without a sign-in, if it can. */
  issueToken? (request: TokenRequest): Promise<string>
  /** The subject of the tokens of who signs in under a name. */
  subjectOf (name: string): string
  /** On its pages: signs in, unless that has happened, and allows the request. */
  signIn (page: Page, name: string): Promise<void>
}

export interface Running {
  /** Makes it ready for a resource. `isAutomatic`: it may sign in whom `login_hint` names, without pages. */
  protect (resource: string, isAutomatic: boolean): Promise<Issuer>
}

export interface Surroundings {
  /** The names under which people sign in. */
  readonly names: readonly string[]
  /** A folder of its own, empty at first. */
  readonly folder: string
  /** Ends the run. */
  readonly signal: AbortSignal
}

/** A product that issues access tokens. */
export interface AuthorizationServerKind {
  readonly title: string
  /** How it gets to know clients. */
  readonly registration: 'dynamic' | 'by hand'
  /** The scopes that Postern tells clients before they sign in. */
  readonly told: 'the first' | 'all' | 'none'
  /** Why no client can step up; default: clients can. */
  readonly withoutStepUp?: string
  /** What Postern's configuration needs for it: options of one server, and of its entry. */
  readonly settings: { readonly server: object, readonly entry: object }
  /** Starts it on loopback. Throws Missing without a program. */
  start (closing: Closing, surroundings: Surroundings): Promise<Running>
}
