import type { FastifyRequest } from 'fastify'
import type { EditEvent } from '../../mcp/event-stream.js'
import {
  readAnnouncedEndpoint, sealEndpoint, UnusableEndpoint, type EndpointSeal
} from '../../mcp/message-endpoint.js'
import type { ServerConfig } from '../../options/server.js'
import { isEventStream } from '../../upstream/headers.js'
import type { Upstream } from '../../upstream/upstream.js'
import { found } from '../request/findings.js'
import { upstreamHost } from '../request/upstream-headers.js'
import type { ChooseEditFor } from './receive-response.js'
import { findObstacle } from './response-type.js'

export interface EditStreamsOptions {
  readonly server: ServerConfig
  readonly upstream: Upstream
  readonly seal: EndpointSeal
  /** Returns what else is done to the events of a stream. */
  readonly editEvents?: ((request: FastifyRequest) => EditEvent) | undefined
}

/** Returns how responses to other requests than messages are edited: only event streams are. */
export function editStreams ({ server, upstream, seal, editEvents }: EditStreamsOptions): ChooseEditFor {
  return (request, path) => {
    const edit = editEvents?.(request) ?? (({ data }) => data)
    const host = upstreamHost(server, upstream, request)
    const announce = (announced: string): string => {
      const endpoint = readAnnouncedEndpoint(upstream.origin + path, host, announced)
      return sealEndpoint(seal, found(request, 'principal'), endpoint)
    }
    return (status, headers) => {
      if (!isEventStream(headers)) return { kind: 'none' }
      const obstacle = findObstacle(status, headers)
      if (obstacle !== undefined) return { kind: 'failure', reason: obstacle }
      return { kind: 'events', edit: announceFirst(announce, edit) }
    }
  }
}

/**
 * The 2024-11-05 transport begins a stream by announcing where to post messages. Clients post there, with
 * their access token, whenever the event comes (F12). So it is replaced at the beginning, and nowhere else
 * let through.
 */
function announceFirst (announce: (announced: string) => string, edit: EditEvent): EditEvent {
  let isFirst = true
  return (event) => {
    const isStray = event.stray.some((line) => line.includes('endpoint'))
    const isAnnouncement = event.type === 'endpoint' || isStray
    if (isAnnouncement && event.stray.length > 0) {
      throw new UnusableEndpoint('readers could disagree about the message endpoint that is announced')
    }
    if (isAnnouncement && !isFirst) {
      throw new UnusableEndpoint('a message endpoint is announced in the middle of a stream')
    }
    if (event.data.length > 0) isFirst = false
    return isAnnouncement ? Buffer.from(announce(event.data.toString())) : edit(event)
  }
}
