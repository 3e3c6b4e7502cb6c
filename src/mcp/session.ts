import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { requirementsOf } from './revision.js'

/** Whom a session belongs to. A new token of the same principal keeps the session (F10). */
export interface SessionOwner {
  readonly issuer: string
  readonly subject: string
  readonly clientId?: string
}

/**
 * Returns what names the owner of a session. The client of a user is not part of it: some clients register
 * anew at each authorization, and would lose the session with each scope that they ask for. A client that
 * speaks for itself is kept apart from a user of the same name, because a client may have chosen its id
 * (RFC 9700 §4.15).
 */
export function namesOf ({ issuer, subject, clientId }: SessionOwner): readonly string[] {
  return [subject === clientId ? 'client' : 'user', issuer, subject]
}

/** What sessions of one protected resource are bound with. */
export interface SessionBinding {
  /** The first signs. */
  readonly keys: readonly string[]
  /** The resource identifier: a session id that one upstream gave out must not be valid at another. */
  readonly resource: string
}

/** 16 bytes in base64url: a MAC of 128 bits. */
const MAC_LENGTH = 22

/** Returns whether `Mcp-Session-Id` means anything in a request. Modern traffic has no sessions (F10). */
export function hasSessions (headers: IncomingHttpHeaders): boolean {
  const version = headers['mcp-protocol-version']
  return requirementsOf(typeof version === 'string' ? version : undefined).sessions
}

/**
 * Returns the session id to give to the client: the upstream's id with a MAC over it, the resource and its
 * owner, so that no state is needed to tell whose it is (F10).
 */
export function bindSession (
  { keys, resource }: SessionBinding, upstreamId: string, owner: SessionOwner
): string {
  return `${upstreamId}.${mac(keys[0] as string, resource, upstreamId, owner)}`
}

/**
 * Returns the upstream's session id, or undefined when the id was altered or belongs to another principal or
 * resource (F10).
 */
export function unbindSession (
  { keys, resource }: SessionBinding, id: string, owner: SessionOwner
): string | undefined {
  const dot = id.length - MAC_LENGTH - 1
  if (dot < 1 || id[dot] !== '.') return undefined
  const upstreamId = id.slice(0, dot)
  const presented = Buffer.from(id.slice(dot + 1), 'latin1')
  for (const key of keys) {
    const expected = Buffer.from(mac(key, resource, upstreamId, owner), 'latin1')
    if (timingSafeEqual(presented, expected)) return upstreamId
  }
  return undefined
}

/** Returns the MAC. Each part is preceded by its length, so that no two bindings have the same input. */
function mac (key: string, resource: string, upstreamId: string, owner: SessionOwner): string {
  const hash = createHmac('sha256', key)
  for (const part of [resource, upstreamId, ...namesOf(owner)]) {
    hash.update(`${Buffer.byteLength(part)}:`).update(part)
  }
  return hash.digest('base64url').slice(0, MAC_LENGTH)
}
