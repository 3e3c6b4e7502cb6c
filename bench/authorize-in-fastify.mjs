// The pass-through with what a careful person adds by hand: jose verifies every token, the body is
// parsed, and the tool's scope is looked up.
import replyFrom from '@fastify/reply-from'
import { fastify } from 'fastify'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const [, , port, upstream, issuer, audience] = process.argv
const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`))
const tools = new Map([['list_todos', 'todo:read']])
const app = fastify({ logger: false })
await app.register(replyFrom, { base: upstream, disableRequestLogging: true })
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
app.post('/mcp', async (request, reply) => {
  const { payload } = await jwtVerify(request.headers.authorization.slice(7), keys, { issuer, audience })
  const { params } = JSON.parse(request.body)
  if (!payload.scope.split(' ').includes(tools.get(params.name))) return reply.code(403).send()
  return reply.from('/mcp', { body: request.body, contentType: 'application/json' })
})
await app.listen({ host: '127.0.0.1', port: Number(port) })
process.send('listening')
