import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/**
 * Below the range from which systems choose the ports that nobody asks for by number: no other test gets one
 * of these by chance.
 */
const LOWEST = 10_000
const HIGHEST = 32_000

/** Returns a loopback port on which nothing listens, for a process that must be told its port. */
export async function findFreePort (): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    const server = await listen(port).catch(() => undefined)
    if (server === undefined) continue
    await new Promise((resolve) => { server.close(resolve) })
    return port
  }
}

/** Listens on a loopback port until the test is over, and returns the port. */
export async function occupyPort (t: Test): Promise<number> {
  const server = await listen(0)
  t.after(() => { server.close() })
  return (server.address() as AddressInfo).port
}

function listen (port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => { resolve(server) })
  })
}
