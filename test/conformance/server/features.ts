import { createRequestStateCodec, McpServer, type ServerNotifier } from '@modelcontextprotocol/server'
import { registerChangeTools } from './change-tools.js'
import { registerContentTools } from './content-tools.js'
import { registerInputTools } from './input-tools.js'
import { registerPrompts } from './prompts.js'
import { registerResources } from './resources.js'
import { registerRoundTools, type RoundState } from './round-tools.js'
import { registerRunningTools } from './running-tools.js'

/** Makes a server object with everything that the scenarios ask for, for a request or a legacy session. */
export type CreateFeatures = (notifier: ServerNotifier) => McpServer

/**
 * Returns a maker of server objects that accept each other's request state: each modern request has its
 * own object.
 */
export function createFeaturesWith (stateKey: Uint8Array): CreateFeatures {
  const codec = createRequestStateCodec<RoundState>({ key: stateKey })
  return (notifier) => {
    const server = new McpServer({ name: 'conformance-server', version: '1.0.0' }, {
      capabilities: { logging: {}, resources: { subscribe: true } },
      requestState: { verify: codec.verify }
    })
    registerContentTools(server) // first: the suite checks headers with the first tool of the list
    registerRunningTools(server)
    registerInputTools(server)
    registerRoundTools(server, (state) => codec.mint(state))
    registerChangeTools(server, notifier)
    registerResources(server)
    registerPrompts(server)
    return server
  }
}
