import type { FastifyInstance } from 'fastify'

/** Registers `/health`: it says that this process serves, and nothing about other systems (R1). */
export function registerHealthRoute (app: FastifyInstance): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/health',
    handler: (_request, reply) => {
      reply.header('content-type', 'application/json; charset=utf-8').header('cache-control', 'no-store')
      return reply.send('{"status":"healthy"}')
    }
  })
}
