import type { IncomingMessage } from 'node:http'

/** Scheme and authority of a request target in absolute form. */
const ABSOLUTE = /^https?:\/\/([^/?#]*)/i

/**
 * Returns the request target in origin form. A client may write it in absolute form, with its scheme and
 * authority (RFC 9112 §3.2.2). Where that is another authority than `Host` names, the two disagree about who
 * is asked: such a target stays as it is, for `isOtherForm`.
 */
export function originForm ({ url = '/', headers: { host } }: IncomingMessage): string {
  if (url.startsWith('/')) return url
  const [start, authority] = ABSOLUTE.exec(url) ?? []
  if (start === undefined || authority?.toLowerCase() !== host?.toLowerCase()) return url
  const rest = url.slice(start.length)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/**
 * Returns whether a target that `originForm` returned is neither a path nor `*`. No route may serve it: the
 * router has dropped its authority.
 */
export function isOtherForm (target: string): boolean {
  return !target.startsWith('/') && target !== '*'
}
