import type { FastifyInstance } from 'fastify'
import { hostsOf } from '../options/hosts.js'
import type { ProtectedServer } from './mcp-route.js'
import { isRepeated } from './request/repeated-header.js'

/** Routes of one or more protected servers. */
export interface Routes extends Pick<FastifyInstance, 'routing' | 'printRoutes'> {
  close (): Promise<unknown>
}

/** Builds the routes of servers that their paths tell apart. */
export type BuildRoutes = (servers: readonly ProtectedServer[]) => Promise<Routes>

/**
 * Builds routes for each authority, and chooses by `Host` and nothing else (R7). `Host` has to be one of a
 * server's, letter case aside. With another port, a dot at its end or a user name it is another host. Two
 * `Host` headers name none: Node keeps the first one, and a proxy in front may have read the last. What is
 * for no server gets the routes without any.
 *
 * Fastify's constraint `host` is not used. It compares letter case, reads the first of two headers, and would
 * have to stand at every route.
 */
export async function routeByHost (servers: readonly ProtectedServer[], build: BuildRoutes): Promise<Routes> {
  const groups = await Promise.all(groupByHost(servers).map(async (group) => (
    { group, routes: await build(group) }
  )))
  const nobodys = await build([])
  const routesOf = new Map(groups.flatMap(({ group, routes }) => (
    group.flatMap(({ config }) => hostsOf(config).map((host) => [host, routes] as const))
  )))
  const all = [...groups.map(({ routes }) => routes), nobodys]
  return {
    routing (request, response) {
      const { headers: { host = '' }, rawHeaders } = request
      const found = isRepeated(rawHeaders, 'host') ? undefined : routesOf.get(host.toLowerCase())
      const routes = found ?? nobodys
      routes.routing(request, response)
    },
    printRoutes: (options) => all.map((routes) => routes.printRoutes(options)).join(''),
    close: () => Promise.all(all.map((routes) => routes.close()))
  }
}

function groupByHost (servers: readonly ProtectedServer[]): ProtectedServer[][] {
  const groups = new Map<string, ProtectedServer[]>()
  for (const server of servers) {
    const { host } = new URL(server.config.resource)
    groups.set(host, [...groups.get(host) ?? [], server])
  }
  return [...groups.values()]
}
