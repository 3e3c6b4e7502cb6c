import {
  inputRequired, inputResponse, type InputRequest, type InputRequests, type InputResponseView,
  type ServerContext
} from '@modelcontextprotocol/server'

/** Something that a result asks the client for (SEP-2322), and whether a response answers it. */
export interface Question {
  readonly request: InputRequest
  isAnsweredBy (response: InputResponseView): boolean
}

/** Questions by the key of their responses. */
export type Questions = Readonly<Record<string, Question>>

/** Asks the user to fill in one text. */
export function askUser (message: string, field: string): Question {
  return {
    request: inputRequired.elicit({
      message,
      requestedSchema: { type: 'object', properties: { [field]: { type: 'string' } }, required: [field] }
    }),
    isAnsweredBy: (response) => typeof acceptedField(response, field) === 'string'
  }
}

/** Asks the user to say yes or no. */
export function askConsent (): Question {
  return {
    request: inputRequired.elicit({
      message: 'Please confirm',
      requestedSchema: { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] }
    }),
    isAnsweredBy: (response) => typeof acceptedField(response, 'ok') === 'boolean'
  }
}

function acceptedField (response: InputResponseView, field: string): unknown {
  return response.kind === 'elicit' && response.action === 'accept' ? response.content?.[field] : undefined
}

/** Asks the client's model. */
export function askModel (prompt: string): Question {
  return {
    request: inputRequired.createMessage({
      messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens: 50
    }),
    isAnsweredBy: (response) => response.kind === 'sampling'
  }
}

/** Asks for the client's roots. */
export function askRoots (): Question {
  return {
    request: inputRequired.listRoots(),
    isAnsweredBy: (response) => response.kind === 'roots'
  }
}

/** Tells whether the request has a fitting response to each question; additional ones do no harm. */
export function areAnswered (questions: Questions, { mcpReq }: ServerContext): boolean {
  return Object.entries(questions).every(([key, question]) => {
    return question.isAnsweredBy(inputResponse(mcpReq.inputResponses, key))
  })
}

/** Returns the questions as a result carries them. */
export function requestsOf (questions: Questions): InputRequests {
  return Object.fromEntries(Object.entries(questions).map(([key, { request }]) => [key, request]))
}
