import type { FastifyRequest } from 'fastify'
import type { EditEvent } from '../../mcp/event-stream.js'
import { filterListAnswer, holdsNoMessage, isListMethod, type ListFilter } from '../../mcp/listing.js'
import { isModern } from '../../mcp/revision.js'
import type { ToolHeaders } from '../../mcp/tool-headers.js'
import type { Policy } from '../../policy/policy.js'
import { findObstacle, mediaType } from '../answer-type.js'
import type { ChooseTreatment } from '../edited-answer.js'
import { found } from '../findings.js'

const UNREADABLE = 'the answer to a list request is neither JSON nor an event stream'

/**
 * Returns how the answer to a message is received, or undefined when it is no list and is handed on as it comes (P9).
 * The policy decides about an entry as it does about the message that would use it.
 */
export function filterLists (policy: Policy, toolHeaders: ToolHeaders): (request: FastifyRequest) => ChooseTreatment | undefined {
  return (request) => {
    const message = found(request, 'message')
    // A notification has no answer; an upstream that gives one all the same gives a list.
    if (message.kind === 'response' || !isListMethod(message.method)) return undefined
    const filter = filterFor(policy, request, message.protocolVersion)
    const edit = message.method === 'tools/list' ? learning(toolHeaders, filter) : (answer: Buffer) => filterListAnswer(answer, filter)
    return (status, headers) => {
      const obstacle = findObstacle(status, headers)
      if (obstacle !== undefined) return { as: 'failure', reason: obstacle }
      const type = mediaType(headers)
      if (type === 'text/event-stream') return { as: 'events', edit: editAnswerEvent(edit) }
      // Accepted: the answer is not here. The 2024-11-05 transport's servers say so in a word.
      if (status === 202) return { as: 'status' }
      // An error may say all it has to say in its status.
      if (isJson(type)) return { as: 'body', edit: (body) => body.length === 0 && status >= 400 ? body : edit(body) }
      return status >= 400 ? { as: 'sent' } : { as: 'failure', reason: UNREADABLE, ifAny: true }
    }
  }
}

/**
 * Returns how an event on a listening stream is changed: answers to any request come on it in the 2024-11-05 transport
 * (F12), and again when a legacy stream is resumed.
 */
export function filterStreamedLists (policy: Policy): (request: FastifyRequest) => EditEvent {
  return (request) => {
    const filter = filterFor(policy, request, undefined)
    return ({ data }) => holdsNoMessage(data) ? data : filterListAnswer(data, filter)
  }
}

function filterFor (policy: Policy, request: FastifyRequest, protocolVersion: string | undefined): ListFilter {
  const { scopes } = found(request, 'principal')
  return { isModern: isModern(protocolVersion), isAllowed: (operations) => policy.decide(operations, scopes).effect === 'allow' }
}

/** Events of other types are no messages; where one holds what might be read as one, it must be readable too. */
function editAnswerEvent (edit: (answer: Buffer) => Buffer): EditEvent {
  return ({ type, data }) => data.length === 0 || (type !== 'message' && holdsNoMessage(data)) ? data : edit(data)
}

/** Learns from the whole list, once it has turned out to be readable: what one caller may not see, another may call. */
function learning (toolHeaders: ToolHeaders, filter: ListFilter): (answer: Buffer) => Buffer {
  return (answer) => {
    const filtered = filterListAnswer(answer, filter)
    toolHeaders.learn(answer)
    return filtered
  }
}

function isJson (type: string): boolean {
  return type === 'text/json' || /^application\/(?:[^,]*\+)?json$/.test(type)
}
