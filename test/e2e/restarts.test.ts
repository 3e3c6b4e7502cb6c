import { existsSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { RESOURCE, todoConfig, writeConfig } from '../helpers/configuration.js'
import { POST_HEADERS, toolCall } from '../helpers/gateway.js'
import { startIssuer } from '../helpers/issuer.js'
import { findFreePort } from '../helpers/ports.js'
import { type RunningProgram, startCli, startProgram } from '../helpers/process.js'
import { until } from '../helpers/until.js'
import { startUpstream } from '../helpers/upstream.js'

/** What became of the calls of some clients. */
interface Load {
  readonly answered: () => number
  /** Statuses other than 200, and errors of connections. A refused connection is none: nothing was sent. */
  readonly lost: string[]
  /** Resolves when no call is under way any more. */
  stop (): Promise<void>
}

const CLIENTS = 12

/**
 * Calls as fast as responses come. Half of the clients keep their connection, half open one for each call.
 */
function startLoad (port: number, token: string): Load {
  const lost: string[] = []
  let answered = 0
  const stopping = new AbortController()
  async function runClient (index: number): Promise<void> {
    const agent = new Agent({ keepAlive: index % 2 === 0, maxSockets: 1 })
    for (let id = 0; !stopping.signal.aborted; id++) {
      const outcome = await call(port, token, agent, id)
      if (outcome === 200) answered++
      else if (outcome !== 'ECONNREFUSED') lost.push(String(outcome))
    }
    agent.destroy()
  }
  const clients = Array.from({ length: CLIENTS }, (_, index) => runClient(index))
  return {
    answered: () => answered,
    lost,
    async stop () {
      stopping.abort()
      await Promise.all(clients)
    }
  }
}

/** Returns the status, or the code of the error. */
function call (port: number, token: string, agent: Agent, id: number): Promise<number | string> {
  const body = JSON.stringify(toolCall('list_todos', {}, id))
  return new Promise((resolve) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path: '/mcp',
      method: 'POST',
      agent,
      headers: {
        ...POST_HEADERS,
        authorization: `Bearer ${token}`,
        'content-length': body.length
      }
    }, (response) => {
      response.resume()
      response.once('error', () => resolve('broken off'))
      response.once('end', () => resolve(response.statusCode ?? 0))
    })
    outgoing.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    outgoing.end(body)
  })
}

interface SetUp {
  readonly token: string
  /** A folder of the test's own. */
  readonly directory: string
  start (port: number): Promise<RunningProgram>
}

async function setUp (t: Test): Promise<SetUp> {
  const issuer = await startIssuer(t, { audience: RESOURCE })
  const upstream = await startUpstream(t)
  const { directory, file } = writeConfig(t, todoConfig({
    upstream: `${upstream.origin}/mcp`, authorizationServers: [issuer.issuer]
  }))
  return {
    directory,
    token: await issuer.token(),
    async start (port) {
      const program = startCli(t, ['serve', '--config', file, '--port', String(port)])
      await program.printed(/"event":"started"/)
      return program
    }
  }
}

async function stop (t: Test, program: RunningProgram): Promise<void> {
  program.signal('SIGTERM')
  t.match(await program.ended, { code: 0, signal: null })
}

t.test('O3: stops under load lose no request that was sent', async (t) => {
  const { token, start } = await setUp(t)
  const port = await findFreePort()
  let total = 0
  for (let stops = 0; stops < 3; stops++) {
    const program = await start(port)
    const load = startLoad(port, token)
    await until(() => load.answered() > 200, 'the clients are busy', { withinMs: 20_000 })
    await stop(t, program)
    await load.stop()
    t.same(load.lost, [])
    total += load.answered()
  }
  t.comment(`${total} calls`)
})

const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find((path) => existsSync(path))

/** As docs/deploy.md shows it, with two replicas. */
function nginxConfig (
  directory: string, port: number, replicas: readonly number[], keepalive: string
): string {
  return `
    daemon off;
    master_process off;
    pid ${directory}/pid;
    error_log stderr error;
    events {}
    http {
      access_log off;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`).join(' ')}
      upstream postern {
        ${replicas.map((replica) => `server 127.0.0.1:${replica} max_fails=0;`).join(' ')}
        ${keepalive}
      }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://postern;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_set_header Host $host;
          proxy_buffering off;
          proxy_request_buffering off;
        }
      }
    }`
}

for (const keepalive of ['', 'keepalive 16;']) {
  const title = `O3: a rolling restart of two replicas behind nginx fails no request (${keepalive || 'a connection for each request'})`
  t.test(title, { skip: NGINX === undefined ? 'nginx is not installed' : false }, async (t) => {
    const { token, directory, start } = await setUp(t)
    const ports = [await findFreePort(), await findFreePort()] as const
    const replicas = [await start(ports[0]), await start(ports[1])]
    const front = await findFreePort()
    const file = join(directory, 'nginx.conf')
    writeFileSync(file, nginxConfig(directory, front, ports, keepalive))
    const nginx = startProgram(t, NGINX ?? '', ['-p', directory, '-c', file])
    await until(() => fetch(`http://127.0.0.1:${front}/health`).then(({ ok }) => ok, () => false), 'nginx starts')
    const load = startLoad(front, token)
    for (const [index, port] of ports.entries()) {
      const [before, replica] = [load.answered(), replicas[index]]
      await until(() => load.answered() > before + 200, 'the clients are busy', { withinMs: 20_000 })
      if (replica !== undefined) await stop(t, replica)
      await start(port)
    }
    await load.stop()
    t.same(load.lost, [], nginx.stderr)
    t.comment(`${load.answered()} calls`)
  })
}
