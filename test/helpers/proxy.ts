import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Test } from 'tap'

/** A proxy that clients ask to connect to other hosts (RFC 9110 §9.3.6). */
export interface Proxy {
  readonly url: string
  /** Where it was asked to connect to, and with which credentials. */
  readonly asked: { readonly target: string, readonly authorization: string | undefined }[]
}

/** Starts a proxy that leads every name to one port on loopback. */
export async function startProxy (t: Test, port: number): Promise<Proxy> {
  const asked: Proxy['asked'] = []
  const server = createServer((_request, response) => { response.writeHead(500).end() })
  server.on('connect', ({ url: target = '', headers }, client) => {
    asked.push({ target, authorization: headers['proxy-authorization'] })
    const upstream = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connected\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    for (const socket of [client, upstream]) {
      socket.on('error', () => { client.destroy(); upstream.destroy() })
      t.after(() => { socket.destroy() })
    }
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => { server.close() })
  return { url: `http://user:s3cret@127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
