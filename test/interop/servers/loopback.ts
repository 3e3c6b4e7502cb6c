/**
 * Preloaded into programs that have no option for the address and would listen on all of them: with it a port
 * number without an address means 127.0.0.1. Nothing else changes.
 */
import { Server } from 'node:net'

const listen = Server.prototype.listen
Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
  const [port, host] = args
  const isPort = typeof port === 'number' || (typeof port === 'string' && /^\d+$/.test(port))
  const onLoopback = isPort && typeof host !== 'string' ? [port, '127.0.0.1', ...args.slice(1)] : args
  return Reflect.apply(listen, this, onLoopback) as Server
}
