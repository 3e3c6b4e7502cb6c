import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'

/** The gateway listens elsewhere (`--port 0`): its name and its address need not be the same. */
export const RESOURCE = 'http://localhost:3002/mcp'

/** Returns the configuration of the todo demo, with more members. */
export function todoConfig (more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    resource: RESOURCE,
    upstream: 'http://localhost:8080/mcp',
    authorizationServers: ['http://localhost:9000'],
    policy: { tools: { list_todos: 'todo:read', get_todo: 'todo:read', '*_todo': 'todo:write' } },
    ...more
  }
}

/** Writes a configuration file into a directory of its own, and returns both. */
export function writeConfig (t: Test, config: unknown): { directory: string, file: string } {
  const directory = t.testdir()
  const file = join(directory, 'postern.json')
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config))
  return { directory, file }
}
