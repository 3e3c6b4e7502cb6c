import { listInspectors } from './clients/inspector-cli.js'
import { listInspectorPages } from './clients/inspector-page.js'
import { listMcpRemotes } from './clients/mcp-remote.js'
import { listProgramClients } from './clients/program.js'
import { listSdkClients } from './clients/sdk.js'
import type { Client } from './visit.js'

/** Returns the clients, in the order of the table. */
export function listClients (): readonly Client[] {
  return [
    ...listSdkClients(),
    ...listMcpRemotes(),
    ...listInspectors(),
    ...listInspectorPages(),
    ...listProgramClients()
  ]
}
