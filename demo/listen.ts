import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DemoFailure } from './failure.js'

export interface ListenOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** What listens on the port; the error message names it. */
  readonly purpose: string
}

/** The port belongs to another process. */
export class PortTaken extends DemoFailure {
  override name = 'PortTaken'
  readonly port: number
  constructor (port: number, purpose: string, advice = 'choose another port') {
    super(`port ${port} for the ${purpose} is already in use: stop what listens there or ${advice}`)
    this.port = port
  }
}

/** Starts listening and returns the port. Throws PortTaken, or the system's error. */
export function listen (server: Server, options: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new PortTaken(options.port, options.purpose) : error)
    })
    server.listen(options.port, options.host, () => {
      server.removeAllListeners('error')
      resolve((server.address() as AddressInfo).port)
    })
  })
}

/** Stops listening and ends every open connection, streams included. */
export function stopListening (server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => { resolve() })
    server.closeAllConnections()
  })
}

/** Tells whether a server that is bound to this host can be reached only from this machine. */
export function isLoopback (host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
