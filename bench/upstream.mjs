// A static MCP answer: what is measured is the way there and back.
import { createServer } from 'node:http'

const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: '{"todos":[]}' }], isError: false } })

createServer((request, response) => {
  request.resume()
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer))
}).listen(Number(process.argv[2]), '127.0.0.1', () => process.send('listening'))
