// A static MCP response, so that the measurement shows only the gateways.
import { createServer } from 'node:http'

const result = { content: [{ type: 'text', text: '{"todos":[]}' }], isError: false }
const body = JSON.stringify({ jsonrpc: '2.0', id: 1, result })
const headers = { 'content-type': 'application/json', 'content-length': body.length }

createServer((request, response) => {
  request.resume()
  request.on('end', () => response.writeHead(200, headers).end(body))
}).listen(Number(process.argv[2]), '127.0.0.1', () => process.send('listening'))
