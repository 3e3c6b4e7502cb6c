/** A FastMCP server with three tools. Arguments: the port, and whether it is `stateless`. */
import { FastMCP } from 'fastmcp'
import { z } from 'zod'

const [port, state] = process.argv.slice(2)
const server = new FastMCP({ name: 'interop', version: '1.0.0' })
const parameters = z.object({ a: z.number(), b: z.number() })
server.addTool({ name: 'add', parameters, execute: async ({ a, b }) => `The sum is ${a + b}.` })
server.addTool({ name: 'subtract', parameters, execute: async ({ a, b }) => `The difference is ${a - b}.` })
server.addTool({ name: 'divide', parameters, execute: async ({ a, b }) => `The quotient is ${a / b}.` })
await server.start({
  transportType: 'httpStream',
  httpStream: { host: '127.0.0.1', port: Number(port), stateless: state === 'stateless' }
})
