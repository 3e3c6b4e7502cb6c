/** The parts of oidc-provider that the demo uses; the package ships no types of its own. */
declare module 'oidc-provider/lib/provider.js' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface Client {
    readonly clientId: string
    readonly clientName?: string
    readonly clientAuthMethod: string
  }

  export interface Interaction {
    readonly uid: string
    readonly params: Readonly<Record<string, unknown>>
    readonly prompt: { readonly name: string }
    readonly session?: { readonly accountId?: string }
  }

  export interface InteractionResult {
    readonly login?: { readonly accountId: string }
    readonly consent?: { readonly grantId: string }
    readonly error?: string
    readonly error_description?: string
  }

  export interface Grant {
    addOIDCScope (scope: string): void
    addResourceScope (resource: string, scope: string): void
    rejectResourceScope (resource: string, scope: string): void
    save (): Promise<string>
  }

  export interface ResourceServerInfo {
    readonly audience: string
    readonly scope: string
    readonly accessTokenFormat: 'jwt' | 'opaque'
    readonly accessTokenTTL?: number
    readonly jwt?: { readonly sign: { readonly alg: string } }
  }

  export interface TokenProperties {
    readonly client: Client
    readonly resourceServer: object
    readonly scope?: string
    readonly accountId?: string
    readonly expiresIn?: number
  }

  export interface Token {
    save (): Promise<string>
  }

  export interface Context {
    readonly oidc: {
      readonly result?: InteractionResult
      readonly entities: { readonly Client?: Client }
    }
    type: string
    body: unknown
  }

  export class Provider {
    constructor (issuer: string, configuration: Readonly<Record<string, unknown>>)
    /** Koa's: keeps errors from being printed. */
    silent: boolean
    readonly issuer: string
    readonly Client: { find (id: string): Promise<Client | undefined> }
    readonly Grant: {
      new (properties: { readonly accountId: string, readonly clientId: string }): Grant
      find (id: string): Promise<Grant | undefined>
    }

    readonly ResourceServer: new (identifier: string, info: ResourceServerInfo) => object
    readonly AccessToken: new (properties: TokenProperties) => Token
    readonly ClientCredentials: new (properties: TokenProperties) => Token
    callback (): (request: IncomingMessage, response: ServerResponse) => Promise<void>
    interactionDetails (request: IncomingMessage, response: ServerResponse): Promise<Interaction>
    interactionFinished (
      request: IncomingMessage,
      response: ServerResponse,
      result: InteractionResult,
      options: { readonly mergeWithLastSubmission: boolean }
    ): Promise<void>

    on (event: string, listener: (context: Context, ...details: readonly unknown[]) => void): this
  }
}

declare module 'oidc-provider/lib/helpers/errors.js' {
  export class InvalidTarget extends Error {
    constructor (description?: string)
  }
}

declare module 'oidc-provider/lib/adapters/memory_adapter.js' {
  /** Keeps at most a thousand entries; the one that was not used for longest goes first. */
  export function createMemoryAdapter (clockToleranceSeconds: number): (model: string) => object
}
