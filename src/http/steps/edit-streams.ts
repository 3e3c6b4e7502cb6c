import type { FastifyRequest } from 'fastify'
import type { ServerConfig } from '../../options/server.js'
import type { EditEvent } from '../../mcp/event-stream.js'
import type { Upstream } from '../../upstream/upstream.js'
import { readAnnouncedEndpoint, sealEndpoint, UnusableEndpoint, type EndpointSeal } from '../../upstream/message-endpoint.js'
import { findObstacle } from '../answer-type.js'
import type { ChooseTreatment } from '../edited-answer.js'
import { found } from '../findings.js'
import { upstreamHost } from '../upstream-headers.js'

export interface EditStreamsOptions {
  readonly server: ServerConfig
  readonly upstream: Upstream
  readonly seal: EndpointSeal
  /** Returns what else is done to the events of a stream. */
  readonly editEvents?: ((request: FastifyRequest) => EditEvent) | undefined
}

/** Returns how answers to other requests than messages are received: events of a stream are edited, all else is handed on as it comes. */
export function editStreams ({ server, upstream, seal, editEvents }: EditStreamsOptions): (request: FastifyRequest, target: string) => ChooseTreatment {
  return (request, target) => {
    const edit = editEvents?.(request) ?? (({ data }) => data)
    const host = upstreamHost(server, upstream, request)
    const announce = (announced: string): string =>
      sealEndpoint(seal, found(request, 'principal'), readAnnouncedEndpoint(upstream.origin + target, host, announced))
    return (status, headers) => {
      // Clients look for the name anywhere in the value.
      if (!String(headers['content-type']).toLowerCase().includes('text/event-stream')) return { as: 'sent' }
      const obstacle = findObstacle(status, headers)
      return obstacle === undefined ? { as: 'events', edit: announceFirst(announce, edit) } : { as: 'failure', reason: obstacle }
    }
  }
}

/**
 * The 2024-11-05 transport begins a stream by announcing where to post messages; clients post there, with their access
 * token, whenever the event comes (F12). So it is replaced where it belongs, and nowhere else let through.
 */
function announceFirst (announce: (announced: string) => string, edit: EditEvent): EditEvent {
  let isFirst = true
  return (event) => {
    const isAnnouncement = event.type === 'endpoint'
    if (isAnnouncement && !isFirst) throw new UnusableEndpoint('a message endpoint is announced in the middle of a stream')
    isFirst = false
    return isAnnouncement ? Buffer.from(announce(event.data.toString())) : edit(event)
  }
}
