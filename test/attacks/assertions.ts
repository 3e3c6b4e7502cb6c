import type { Test } from 'tap'
import { toolCall } from '../helpers/gateway.js'
import { sendOne, type WireRequest } from '../helpers/raw-http.js'
import type { Scene } from '../helpers/scene.js'
import type { ReceivedRequest, TestUpstream } from '../helpers/upstream.js'

/** The JSON text of a call that `todo:read` is not enough for. */
export const FORBIDDEN_CALL = JSON.stringify(toolCall('delete_todo'))
/** The JSON text of a call that `todo:read` is enough for. */
export const PERMITTED_CALL = JSON.stringify(toolCall('list_todos'))

export interface Refused {
  readonly status: number
  /** Code of the JSON-RPC error. */
  readonly code?: number
}

/** Shows that a request is refused so, and that nothing of it reached the upstream. */
export async function refuses (
  t: Test, { gateway, upstream }: Scene, name: string, request: WireRequest, { status, code }: Refused
): Promise<string> {
  const before = upstream.received.length
  const { statuses, text } = await sendOne(gateway, request)
  const title = printable(name)
  t.same(statuses, [status], title)
  if (code !== undefined) t.equal(rpcCodeIn(text), code, `${title}: JSON-RPC error ${code}`)
  t.same(receivedBy(upstream).slice(before), [], `${title}: nothing is forwarded`)
  return text
}

/** A name for a test, of whatever characters the attack is made. */
export function printable (name: string): string {
  const text = name.replace(
    /[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
  return text.length <= 150 ? text : `${text.slice(0, 150)}...`
}

function rpcCodeIn (text: string): number | undefined {
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  return (JSON.parse(body) as { error?: { code?: number } }).error?.code
}

/** Shows that a request is permitted, and returns what reached the upstream. */
export async function permits (
  t: Test, { gateway, upstream }: Scene, name: string, request: WireRequest
): Promise<ReceivedRequest> {
  const before = upstream.received.length
  const { statuses } = await sendOne(gateway, request)
  const title = printable(name)
  t.match(statuses, [/^20[02]$/], title)
  t.equal(upstream.received.length, before + 1, `${title}: is forwarded once`)
  const received = upstream.received[before] as ReceivedRequest
  t.ok(Buffer.from(request.body as string ?? '').equals(received?.body), `${title}: with the same bytes`)
  return received
}

/** Shows that the gateway still works: a permitted call gets through, and nothing but it. */
export async function stillWorks (t: Test, { gateway, upstream, token }: Scene): Promise<void> {
  const before = upstream.received.length
  const response = await gateway.post(token, PERMITTED_CALL)
  t.equal(response.status, 200, 'a normal call still works')
  await response.arrayBuffer()
  t.equal(upstream.received.length, before + 1, 'and is all that the upstream received')
}

/** The requests that reached the upstream, as `METHOD target`. */
export function receivedBy (upstream: TestUpstream): string[] {
  return upstream.received.map(({ method, url }) => `${method} ${url}`)
}
