import { closeOnSignal, readPort } from './process.js'
import { startTodoServer } from '../todo-server.js'

const { HOST = '127.0.0.1', PORT = '8080', ALLOWED_HOSTS } = process.env

const server = await startTodoServer({
  host: HOST,
  port: readPort(PORT),
  ...(ALLOWED_HOSTS ? { hosts: ALLOWED_HOSTS.split(/[\s,]+/) } : {})
})
console.log(`todo server listens at ${server.url}`)
closeOnSignal(server)
