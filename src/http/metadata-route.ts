import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AuthorizationServerUnavailable } from '../oauth/access-token.js'
import type { AuthorizationServer } from '../oauth/authorization-server.js'
import { Refusal } from './refusal.js'

/** Seconds that clients and caches may keep a metadata document. */
const MAX_AGE_SECONDS = 300

/** Serves one resource's metadata at each of `urls`, as the same bytes (R2). */
export function registerResourceMetadataRoute (app: FastifyInstance, urls: readonly string[], document: object): void {
  const body = JSON.stringify(document)
  for (const url of urls) {
    app.route({ method: ['GET', 'HEAD'], url, handler: (request, reply) => sendDocument(request, reply, body) })
  }
}

/** Mirrors the authorization server metadata at each of `urls`: 2025-03-26 clients look for it here (R4). */
export function registerAuthorizationServerMetadataRoute (app: FastifyInstance, urls: readonly string[], authorizationServer: AuthorizationServer): void {
  for (const url of urls) {
    app.route({
      method: ['GET', 'HEAD'],
      url,
      handler: async (request, reply) => {
        const metadata = await authorizationServer.metadata().catch((error: unknown) => {
          throw error instanceof AuthorizationServerUnavailable ? new Refusal('authorization_server_metadata_unavailable', { reason: error.message, cause: error }) : error
        })
        return sendDocument(request, reply, JSON.stringify(metadata))
      }
    })
  }
}

function sendDocument (request: FastifyRequest, reply: FastifyReply, body: string): FastifyReply {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  reply.header('content-type', 'application/json; charset=utf-8').header('etag', etag).header('cache-control', `public, max-age=${MAX_AGE_SECONDS}`)
  if (request.headers['if-none-match']?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) === true) return reply.code(304).send()
  return reply.send(body)
}
