import type { IncomingHttpHeaders } from 'node:http'
import { requirementsOf } from '../mcp/revision.js'

/** Whether `Mcp-Session-Id` means anything in this request; on modern traffic it is dropped both ways (F10). */
export function hasSessions (headers: IncomingHttpHeaders): boolean {
  const version = headers['mcp-protocol-version']
  return requirementsOf(typeof version === 'string' ? version : undefined).sessions
}
