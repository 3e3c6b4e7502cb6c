import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AuthorizationServer } from '../oauth/authorization-server.js'
import { AuthorizationServerUnavailable } from '../oauth/failures.js'
import { shareWithAll } from './cors.js'
import { Refusal } from './request/refusal.js'

/** Seconds that clients and caches may keep a metadata document. */
const MAX_AGE_SECONDS = 300

interface Document {
  readonly body: string
  readonly etag: string
}

/** Serves one resource's metadata at `/oauth-protected-resource` with each suffix, as the same bytes (R2). */
export function registerResourceMetadataRoute (
  app: FastifyInstance, suffixes: Iterable<string>, metadata: object
): void {
  const document = toDocument(metadata)
  for (const suffix of suffixes) {
    registerDocument(app, `/oauth-protected-resource${suffix}`, async () => document)
  }
}

/**
 * Mirrors the authorization server metadata at `/oauth-authorization-server` with each suffix: 2025-03-26
 * clients look for it here (R4).
 */
export function registerAuthorizationServerMetadataRoute (
  app: FastifyInstance, suffixes: Iterable<string>, authorizationServer: AuthorizationServer
): void {
  async function mirror (): Promise<Document> {
    try {
      return toDocument(await authorizationServer.metadata())
    } catch (error) {
      if (!(error instanceof AuthorizationServerUnavailable)) throw error
      throw new Refusal('authorization_server_metadata_unavailable', { reason: error.message, cause: error })
    }
  }
  for (const suffix of suffixes) registerDocument(app, `/oauth-authorization-server${suffix}`, mirror)
}

function toDocument (value: object): Document {
  const body = JSON.stringify(value)
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
}

/** Registers a document in a plugin context of its own, so that its CORS headers stay there. */
function registerDocument (app: FastifyInstance, url: string, read: () => Promise<Document>): void {
  app.register(async (context) => {
    await shareWithAll(context)
    context.route({
      method: ['GET', 'HEAD'],
      url: '',
      handler: async (request, reply) => sendDocument(request, reply, await read())
    })
  }, { prefix: url })
}

function sendDocument (request: FastifyRequest, reply: FastifyReply, { body, etag }: Document): FastifyReply {
  reply.header('content-type', 'application/json; charset=utf-8').header('x-content-type-options', 'nosniff')
  reply.header('etag', etag).header('cache-control', `public, max-age=${MAX_AGE_SECONDS}`)
  return isKnown(request.headers['if-none-match'], etag) ? reply.code(304).send() : reply.send(body)
}

/** Returns whether the client has this document already (RFC 9110 §13.1.2, weak comparison). */
function isKnown (ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')))
}
