import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { namesOf, type SessionOwner } from './session.js'

/** The upstream announced an address that is not followed. The text is for the log. */
export class UnusableEndpoint extends Error {
  override readonly name = 'UnusableEndpoint'
}

/** Begins the public paths of message endpoints. A path below it is never mapped to the upstream (F3). */
const MARK = '/~endpoint/'
/** An announced path holds a session id. A longer path would not fit into a request target everywhere. */
const LONGEST_PATH = 2048

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Returns path and query of the message endpoint that a stream of the 2024-11-05 transport announces
 * (transports, HTTP with SSE), resolved against the stream's own URL. Throws UnusableEndpoint when it is not
 * at the upstream, neither by the host of that URL nor by the `Host` that the upstream was addressed with: it
 * would be another party.
 */
export function readAnnouncedEndpoint (streamUrl: string, addressedAs: string, announced: string): string {
  if (!URL.canParse(announced, streamUrl)) {
    throw new UnusableEndpoint('the announced message endpoint is no URL')
  }
  const { protocol, host, pathname, search } = new URL(announced, streamUrl)
  const isHere = host === new URL(streamUrl).host || host === addressedAs
  if ((protocol !== 'http:' && protocol !== 'https:') || !isHere) {
    throw new UnusableEndpoint(`the announced message endpoint is at ${protocol}//${host.slice(0, 200)}`)
  }
  const path = pathname + search
  if (path.length > LONGEST_PATH) {
    throw new UnusableEndpoint(`the announced message endpoint is longer than ${LONGEST_PATH} characters`)
  }
  return path
}

/** The protected resource under which endpoints are sealed and opened. */
export interface EndpointSeal {
  /** The first seals. */
  readonly keys: readonly string[]
  /** The resource identifier. */
  readonly resource: string
  /** Path of the resource without a trailing slash. */
  readonly prefix: string
}

/**
 * Returns the public path that stands for an upstream's message endpoint (F12): its path and query, encrypted
 * and bound to resource and principal. No state tells whose a session is, nobody can name a path that was not
 * announced, and the session id in it is not told to those who could use it on a path that is mapped (F3).
 */
export function sealEndpoint (
  { keys, resource, prefix }: EndpointSeal, owner: SessionOwner, path: string
): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, deriveKey(keys[0] as string), nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(boundTo(resource, owner))
  const sealed = Buffer.concat([nonce, cipher.update(path, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return prefix + MARK + sealed.toString('base64url')
}

/** Returns whether a request target has the form of a sealed endpoint. */
export function isSealedEndpoint ({ prefix }: EndpointSeal, url: string): boolean {
  return url.startsWith(MARK, prefix.length)
}

/**
 * Returns the upstream's path and query for a request target, or undefined when it was altered or belongs to
 * another principal or resource. Anything after the sealed part, a query too, counts as an alteration.
 */
export function openEndpoint (
  { keys, resource, prefix }: EndpointSeal, owner: SessionOwner, url: string
): string | undefined {
  const text = url.slice(prefix.length + MARK.length)
  const sealed = Buffer.from(text, 'base64url')
  // Buffer skips characters that are not base64url. Only the text that it would write is the one given out.
  if (sealed.length <= NONCE_BYTES + TAG_BYTES || sealed.toString('base64url') !== text) return undefined
  for (const key of keys) {
    const path = decrypt(deriveKey(key), sealed, boundTo(resource, owner))
    if (path !== undefined) return path
  }
  return undefined
}

function decrypt (key: Buffer, sealed: Buffer, bound: Buffer): string | undefined {
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(bound).setAuthTag(sealed.subarray(-TAG_BYTES))
  const path = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8')
  try {
    return path + decipher.final('utf8')
  } catch {
    return undefined
  }
}

/**
 * Returns the key that seals endpoints. It is derived from the key that signs sessions, so that nothing made
 * for one purpose means anything for the other.
 */
function deriveKey (key: string): Buffer {
  return createHmac('sha256', key).update('message endpoint').digest()
}

/** Returns the data that a sealed path is bound to. As JSON, no two bindings have the same text. */
function boundTo (resource: string, owner: SessionOwner): Buffer {
  return Buffer.from(JSON.stringify([resource, ...namesOf(owner)]))
}
