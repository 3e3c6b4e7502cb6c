import type { ServerResponse } from 'node:http'

/** An event of the response itself: no collection holds what is under way. */
const UNDER_WAY = 'postern:under-way'

/** Calls back once when the response turns out to take long. */
export function whenUnderWay (response: ServerResponse, tell: () => void): void {
  response.once(UNDER_WAY, tell)
}

/** Says that the response takes long: it is a listening stream, or has been under way for a while. */
export function tellUnderWay (response: ServerResponse): void {
  response.emit(UNDER_WAY)
}
