import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Clock } from '../../clock.js'
import type { EditEvent, ServerSentEvent } from '../../mcp/event-stream.js'
import {
  filterListing, holdsNoList, holdsNoMessage, isListMethod, listedTools, readListing, UnreadableList,
  type ListFilter
} from '../../mcp/listing.js'
import type { Message } from '../../mcp/message.js'
import { isModern } from '../../mcp/revision.js'
import type { ToolHeaders } from '../../mcp/tool-headers.js'
import type { Principal } from '../../oauth/principal.js'
import type { Policy } from '../../policy/policy.js'
import { EVENT_STREAM, isEventStream } from '../../upstream/headers.js'
import { found } from '../request/findings.js'
import type { ChooseEdit } from './edit-response.js'
import { noteListsUnderWay } from './lists-under-way.js'
import type { ChooseEditFor } from './receive-response.js'
import { findObstacle, mediaType } from './response-type.js'

const LIST_TOOLS = 'tools/list'
const UNREADABLE = 'the response to a list request is neither JSON nor an event stream'

const EVERYTHING: ListFilter = { isAllowed: () => true, isModern: true }

/** Returns a message as it is to be passed on. Throws UnreadableList. */
type EditMessage = (message: Buffer) => Buffer

/**
 * Returns how the response to a message is edited (P9). The policy decides about an entry as it does about
 * the message that would use it.
 */
export function filterLists (policy: Policy, toolHeaders: ToolHeaders, clock: Clock): ChooseEditFor {
  const underWay = noteListsUnderWay(clock)
  return (request) => {
    const message = found(request, 'message')
    const principal = found(request, 'principal')
    const version = message.kind === 'response' ? undefined : message.protocolVersion
    const filter = filterFor(policy, principal, version)
    // A notification has no response. An upstream that gives one to it may give a list.
    if (message.kind === 'response' || !isListMethod(message.method)) {
      return editOther(filter, isCacheable(message) ? () => true : () => underWay.has(principal))
    }
    const { method } = message
    const end = underWay.begin(principal)
    return editLists((bytes) => {
      const listing = readListing(bytes)
      if (listing.result !== undefined) end()
      // From the whole list: another caller may use what this one may not.
      if (method === LIST_TOOLS) toolHeaders.learn(listedTools(listing))
      return filterListing(listing, filter)
    })
  }
}

/**
 * Servers know the response to write to by the id of the request. When two requests have the same id, the
 * result of the first may come in the response to the second. So streams are filtered, and other bodies
 * where they must be read.
 */
function editOther (filter: ListFilter, mustRead: () => boolean): ChooseEdit {
  return (status, headers) => {
    const isStream = isEventStream(headers)
    const isPlainError = status >= 400 && !isJson(mediaType(headers))
    if (!isStream && (isPlainError || !mustRead())) return { kind: 'none' }
    const obstacle = findObstacle(status, headers)
    if (obstacle !== undefined) return { kind: 'failure', reason: obstacle }
    return isStream
      ? { kind: 'events', edit: filterEvent(filter) }
      : { kind: 'body', edit: (body) => filterMessage(body, filter) }
  }
}

/** Returns whether the result says who may share it, and is no list (server/utilities/caching). */
function isCacheable (message: Message): boolean {
  if (message.kind === 'response' || !isModern(message.protocolVersion)) return false
  return message.method === 'resources/read' || message.method === 'server/discover'
}

/**
 * Returns how tools are learned from lists that pass on as they come (M6). What may not be shared is said so
 * nevertheless.
 */
export function learnTools (toolHeaders: ToolHeaders): ChooseEditFor {
  const chooseForCopy = editLists((bytes) => {
    toolHeaders.learn(listedTools(readListing(bytes)))
    return bytes
  })
  return (request) => {
    const message = found(request, 'message')
    if (isCacheable(message)) return editOther(EVERYTHING, () => true)
    if (message.kind === 'response' || message.method !== LIST_TOOLS) return undefined
    return (status, headers) => ({ kind: 'copy', edit: chooseForCopy(status, headers) })
  }
}

/** Returns how responses to list methods are edited, whose messages are edited like this. */
function editLists (edit: EditMessage): ChooseEdit {
  return (status, headers) => {
    const obstacle = findObstacle(status, headers)
    if (obstacle !== undefined) return { kind: 'failure', reason: obstacle }
    const type = mediaType(headers)
    if (type === EVENT_STREAM && !namesJson(headers)) return { kind: 'events', edit: editMessageEvent(edit) }
    // Accepted: the result comes elsewhere. Servers of the 2024-11-05 transport send a word as the body.
    if (status === 202) return { kind: 'without-body' }
    // An error may say all it has to say in its status.
    if (isJson(type)) {
      return { kind: 'body', edit: (body) => body.length === 0 && status >= 400 ? body : edit(body) }
    }
    // Clients disagree about a type that names events and something else.
    if (status >= 400 && !isEventStream(headers)) return { kind: 'none' }
    return { kind: 'failure-if-any', reason: UNREADABLE }
  }
}

/**
 * Returns how an event on a listening stream is edited. The results of any request come on it in the
 * 2024-11-05 transport (F12), and again when a legacy stream is resumed.
 */
export function filterStreamedLists (policy: Policy): (request: FastifyRequest) => EditEvent {
  return (request) => {
    return filterEvent(filterFor(policy, found(request, 'principal'), undefined))
  }
}

/** Filters an event of a stream that may hold anything. */
function filterEvent (filter: ListFilter): EditEvent {
  return (event) => {
    refuseStray(event)
    return filterMessage(event.data, filter)
  }
}

function filterMessage (bytes: Buffer, filter: ListFilter): Buffer {
  return holdsNoList(bytes) ? bytes : filterListing(readListing(bytes), filter)
}

/** A tolerant reader may read a message from a line that the standard ignores. */
function refuseStray ({ stray }: ServerSentEvent): void {
  if (stray.every(holdsNoMessage)) return
  throw new UnreadableList('a line that is no field of an event may hold a message')
}

function filterFor (
  policy: Policy, { scopes }: Principal, protocolVersion: string | undefined
): ListFilter {
  return {
    isModern: isModern(protocolVersion),
    isAllowed: (operations) => policy.decide(operations, scopes).effect === 'allow'
  }
}

/** Events of other types are not messages. One that could be read as a message must be readable, too. */
function editMessageEvent (edit: EditMessage): EditEvent {
  return (event) => {
    refuseStray(event)
    const { type, data } = event
    const isNoMessage = data.length === 0 || (type !== 'message' && holdsNoMessage(data))
    return isNoMessage ? data : edit(data)
  }
}

/** A client that finds JSON named may read the whole body as JSON. */
function namesJson ({ 'content-type': type }: IncomingHttpHeaders): boolean {
  return /json/i.test(String(type))
}

function isJson (type: string): boolean {
  return type === 'text/json' || /^application\/(?:[^,]*\+)?json$/.test(type)
}
