import type { FastifyRequest } from 'fastify'
import type { EditEvent } from '../../mcp/event-stream.js'
import {
  filterListing, holdsNoMessage, isListMethod, listedTools, readListing, type ListFilter
} from '../../mcp/listing.js'
import { isModern } from '../../mcp/revision.js'
import type { ToolHeaders } from '../../mcp/tool-headers.js'
import type { Policy } from '../../policy/policy.js'
import { EVENT_STREAM, isEventStream } from '../../upstream/headers.js'
import { found } from '../request/findings.js'
import type { ChooseEdit } from './edit-response.js'
import type { ChooseEditFor } from './receive-response.js'
import { findObstacle, mediaType } from './response-type.js'

const LIST_TOOLS = 'tools/list'
const UNREADABLE = 'the response to a list request is neither JSON nor an event stream'

/** Returns a message as it is to be passed on. Throws UnreadableList. */
type EditMessage = (message: Buffer) => Buffer

/**
 * Returns how the response to a message is edited, undefined when it is not a list (P9). The policy decides
 * about an entry as it does about the message that would use it.
 */
export function filterLists (policy: Policy, toolHeaders: ToolHeaders): ChooseEditFor {
  return (request) => {
    const message = found(request, 'message')
    // A notification has no response. An upstream that gives one to it may give a list.
    if (message.kind === 'response' || !isListMethod(message.method)) return undefined
    const filter = filterFor(policy, request, message.protocolVersion)
    const { method } = message
    return editLists((bytes) => {
      const listing = readListing(bytes)
      // From the whole list: another caller may use what this one may not.
      if (method === LIST_TOOLS) toolHeaders.learn(listedTools(listing))
      return filterListing(listing, filter)
    })
  }
}

/** Returns how tools are learned from lists that pass on as they come (M6). */
export function learnTools (toolHeaders: ToolHeaders): ChooseEditFor {
  const chooseForCopy = editLists((bytes) => {
    toolHeaders.learn(listedTools(readListing(bytes)))
    return bytes
  })
  return (request) => {
    const message = found(request, 'message')
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
    if (type === EVENT_STREAM) return { kind: 'events', edit: editMessageEvent(edit) }
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
    const filter = filterFor(policy, request, undefined)
    return ({ data }) => holdsNoMessage(data) ? data : filterListing(readListing(data), filter)
  }
}

function filterFor (
  policy: Policy, request: FastifyRequest, protocolVersion: string | undefined
): ListFilter {
  const { scopes } = found(request, 'principal')
  return {
    isModern: isModern(protocolVersion),
    isAllowed: (operations) => policy.decide(operations, scopes).effect === 'allow'
  }
}

/** Events of other types are not messages. One that could be read as a message must be readable, too. */
function editMessageEvent (edit: EditMessage): EditEvent {
  return ({ type, data }) => {
    const isNoMessage = data.length === 0 || (type !== 'message' && holdsNoMessage(data))
    return isNoMessage ? data : edit(data)
  }
}

function isJson (type: string): boolean {
  return type === 'text/json' || /^application\/(?:[^,]*\+)?json$/.test(type)
}
