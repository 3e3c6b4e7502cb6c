// What most people would build first: fastify and @fastify/http-proxy, no checks at all.
import httpProxy from '@fastify/http-proxy'
import { fastify } from 'fastify'

const [, , port, upstream] = process.argv
const app = fastify({ logger: false })
await app.register(httpProxy, { upstream, prefix: '/mcp', rewritePrefix: '/mcp', disableRequestLogging: true })
await app.listen({ host: '127.0.0.1', port: Number(port) })
process.send('listening')
