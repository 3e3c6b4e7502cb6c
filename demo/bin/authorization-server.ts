import { closeOnSignal, readPort } from './process.js'
import { startAuthorizationServer } from '../authorization-server.js'

const {
  HOST = '127.0.0.1',
  PORT = '9000',
  ISSUER,
  RESOURCE = 'http://localhost:3002/mcp',
  SCOPES = 'todo:read todo:write',
  CLIENT_SECRET
} = process.env

const server = await startAuthorizationServer({
  host: HOST,
  port: readPort(PORT),
  ...(ISSUER ? { issuer: ISSUER } : {}),
  ...(CLIENT_SECRET ? { clientSecret: CLIENT_SECRET } : {}),
  resources: [{ resource: RESOURCE, scopes: SCOPES.split(/[\s,]+/) }],
  log: (line) => { console.log(line) }
})
const { issuer, port, clientCredentials: { clientId, clientSecret } } = server
console.log(`demo authorization server ${issuer} listens on port ${port} and issues tokens for ${RESOURCE}`)
console.log(
  `client for client credentials: ${clientId}, secret ${CLIENT_SECRET ? 'from CLIENT_SECRET' : clientSecret}`
)
closeOnSignal(server)
