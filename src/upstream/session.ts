import { createHmac, timingSafeEqual } from 'node:crypto'

/** Whom a session belongs to: a refreshed token of the same principal keeps it (F10). */
export interface SessionOwner {
  readonly issuer: string
  readonly subject: string
  readonly clientId?: string
}

/** 16 bytes in base64url: a MAC of 128 bits. */
const MAC_LENGTH = 22

/**
 * Returns the session id to give to the client: the upstream's id with a MAC over it and its owner,
 * so that no state is needed to tell whose it is (F10). The first key signs.
 */
export function bindSession (keys: readonly string[], upstreamId: string, owner: SessionOwner): string {
  return `${upstreamId}.${mac(keys[0] as string, upstreamId, owner)}`
}

/** Returns the upstream's session id, or undefined when the id was altered or belongs to another principal (F10). */
export function unbindSession (keys: readonly string[], id: string, owner: SessionOwner): string | undefined {
  const dot = id.length - MAC_LENGTH - 1
  if (dot < 1 || id[dot] !== '.') return undefined
  const upstreamId = id.slice(0, dot)
  const presented = Buffer.from(id.slice(dot + 1), 'latin1')
  for (const key of keys) {
    if (timingSafeEqual(presented, Buffer.from(mac(key, upstreamId, owner), 'latin1'))) return upstreamId
  }
  return undefined
}

/** Every part is preceded by its length: no two owners can produce the same input. */
function mac (key: string, upstreamId: string, owner: SessionOwner): string {
  const hash = createHmac('sha256', key)
  for (const part of [upstreamId, owner.issuer, owner.subject, owner.clientId ?? '']) {
    hash.update(`${Buffer.byteLength(part)}:`).update(part)
  }
  return hash.digest('base64url').slice(0, MAC_LENGTH)
}
