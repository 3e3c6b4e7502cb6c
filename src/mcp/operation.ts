import type { IncomingHttpHeaders } from 'node:http'
import type { Operation, Target, TargetKind } from '../policy/policy.js'
import { INVALID_PARAMS, MessageError, METHOD_NOT_FOUND } from './errors.js'
import { decodeHeaderValue } from './headers.js'
import { requestIdOf, textOf } from './message.js'
import type { Message, NotificationMessage, Params, RequestMessage } from './message.js'
import { isModern, requirementsOf } from './revision.js'

/** The method that stands for responses, which have none, in operations. */
const RESPONSE = '(response)'

/** Returns a method's targets, or the text that says which part of the params is missing or wrong. */
type ReadTargets = (params: Params) => readonly Target[] | string

const readTool = readOne('tools', 'name')
const readPrompt = readOne('prompts', 'name')
const readResource = readOne('resources', 'uri')

/** The methods that act on something, and on what (behaviour P1). */
const TARGETS: ReadonlyMap<string, ReadTargets> = new Map([
  ['tools/call', readTool],
  ['prompts/get', readPrompt],
  ['resources/read', readResource],
  ['resources/subscribe', readResource],
  ['resources/unsubscribe', readResource],
  ['completion/complete', readReference],
  ['subscriptions/listen', readSubscriptions]
])

const SUBSCRIBING: ReadonlySet<string> = new Set(['resources/subscribe', 'resources/unsubscribe'])

/** The methods whose target `Mcp-Name` tells (transports/streamable-http, Standard Request Headers). */
const HEADER_TARGETS: ReadonlyMap<string, TargetKind> = new Map([
  ['tools/call', 'tools'],
  ['prompts/get', 'prompts'],
  ['resources/read', 'resources']
])

/**
 * Returns everything that a message asks for: its method first, then each target (behaviour P1). All of it
 * must be allowed. A notification counts like a request. Throws MessageError when a target is missing or
 * not a string: invalid params, or method not found when the revision has no such method.
 */
export function operationsOf (message: Message): Operation[] {
  if (message.kind === 'response') return [{ method: RESPONSE, response: true }]
  const { method, params } = message
  const targets = TARGETS.get(method)?.(params) ?? []
  if (typeof targets === 'string') throw withoutTarget(message, targets)
  return [{ method }, ...targets.map((target) => ({ method, target }))]
}

/**
 * Returns the error for a message without its target. When the message's revision has removed the method,
 * it is the error that the upstream would give: no such method, with 404 (transports/streamable-http).
 * Clients probe for the method by that.
 */
function withoutTarget (message: RequestMessage | NotificationMessage, needed: string): MessageError {
  const { method, protocolVersion } = message
  const idJson = requestIdOf(message)
  const isRemoved = SUBSCRIBING.has(method) && !requirementsOf(protocolVersion).resourceSubscriptions
  return isRemoved
    ? new MessageError(METHOD_NOT_FOUND, `this protocol version has no ${method}`, idJson)
    : new MessageError(INVALID_PARAMS, `${method} needs ${needed}`, idJson)
}

/**
 * Returns what a modern request asks for according to its headers, or undefined when they do not say all of
 * it. It is the scope hint in a challenge to a client whose body is not read (behaviour A9). It is never
 * used for a decision: anyone may send any header.
 */
export function operationsFromHeaders (headers: IncomingHttpHeaders): Operation[] | undefined {
  const { 'mcp-protocol-version': version, 'mcp-method': method, 'mcp-name': name } = headers
  if (typeof version !== 'string' || !isModern(version)) return undefined
  if (typeof method !== 'string' || method === '') return undefined
  if (!TARGETS.has(method)) return [{ method }]
  const kind = HEADER_TARGETS.get(method)
  const target = typeof name === 'string' ? decodeHeaderValue(name) : undefined
  if (kind === undefined || target === undefined) return undefined
  return [{ method }, { method, target: { kind, name: target } }]
}

function readOne (kind: TargetKind, member: 'name' | 'uri'): ReadTargets {
  return (params) => {
    const name = textOf(params[member])
    return name === undefined ? `params.${member}, a string` : [{ kind, name }]
  }
}

/**
 * A reference is `ref/prompt` with a name, or `ref/resource` with a uri. Some upstreams may go by the member
 * instead of the type, so every member that is there must be allowed.
 */
function readReference ({ ref }: Params): readonly Target[] | string {
  if (ref?.type !== 'object') return 'params.ref, an object'
  const { type, name, uri } = ref.members
  const needed = new Map([['ref/prompt', name], ['ref/resource', uri]]).get(textOf(type) ?? '')
  if (needed === undefined) {
    return 'params.ref, of type ref/prompt with a name or of type ref/resource with a uri'
  }
  const targets: Target[] = []
  for (const [kind, member] of [['prompts', name], ['resources', uri]] as const) {
    if (member === undefined) continue
    if (member.type !== 'string') return 'params.ref, whose name and uri are strings'
    targets.push({ kind, name: member.value })
  }
  return targets
}

function readSubscriptions ({ notifications }: Params): readonly Target[] | string {
  if (notifications?.type !== 'object') return 'params.notifications, an object'
  const { resourceSubscriptions: uris } = notifications.members
  if (uris === undefined) return []
  if (uris.type !== 'array' || uris.values === undefined) {
    return 'params.notifications.resourceSubscriptions, an array of strings'
  }
  return uris.values.map((name) => ({ kind: 'resources', name }))
}
