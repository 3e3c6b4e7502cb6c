// What most people would build first: fastify and @fastify/http-proxy, without any authorization.
import httpProxy from '@fastify/http-proxy'
import { fastify } from 'fastify'

const [, , port, upstream] = process.argv
const app = fastify({ logger: false })
const path = { prefix: '/mcp', rewritePrefix: '/mcp' }
await app.register(httpProxy, { upstream, ...path, disableRequestLogging: true })
await app.listen({ host: '127.0.0.1', port: Number(port) })
process.send('listening')
