import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createSend, NoResponse, type Send } from '../../src/doctor/exchange.js'
import { createReach } from '../../src/doctor/reach.js'

type Resolve = Parameters<typeof createReach>[0]

/** Resolves names from a table that a test may change. */
function resolveFrom (names: Record<string, readonly string[]>): Resolve {
  const resolve = (
    name: string, _options: object, callback: (error: Error | null, addresses: object[]) => void
  ): void => {
    const addresses = names[name] ?? []
    callback(null, addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))
  }
  return resolve as unknown as Resolve
}

/** Starts a server on this machine and counts its requests. */
async function startServer (t: Test): Promise<{ readonly port: number, readonly count: () => number }> {
  let requests = 0
  const server = createServer((_request, response) => {
    requests++
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  return { port: (server.address() as AddressInfo).port, count: () => requests }
}

async function problemOf (send: Send, url: string): Promise<string | undefined> {
  try {
    await send({ url })
    return undefined
  } catch (error) {
    if (error instanceof NoResponse) return error.message
    throw error
  }
}

const LIMITS = { timeoutMs: 5_000, requests: 50, secrets: [] }

t.test('names and addresses of a server elsewhere do not lead to this machine', async (t) => {
  const { port, count } = await startServer(t)
  const names = {
    'rebound.example': ['127.0.0.1'],
    'six.example': ['::1'],
    'mapped.example': ['::ffff:127.0.0.1'],
    'any.example': ['0.0.0.0', '::'],
    localhost: ['127.0.0.1', '::1']
  }
  for (const examined of ['203.0.113.7', '2001:db8::7', '10.0.0.7']) {
    const reach = createReach(resolveFrom(names))
    reach.note(examined)
    for (const host of [...Object.keys(names), '127.0.0.1', '[::1]', '[::ffff:7f00:1]', '0.0.0.0']) {
      const send = createSend({ ...LIMITS, reach })
      t.match(await problemOf(send, `http://${host}:${port}/`), /is on this machine, and/, host)
    }
  }
  t.equal(count(), 0)
})

t.test('names and addresses of a public server do not lead to private ones', async (t) => {
  const inside = [
    '10.1.2.3', '172.31.0.1', '192.168.0.1', '100.64.0.1', '169.254.169.254', 'fd00::1', 'fe80::1',
    '::ffff:10.0.0.1'
  ]
  const names = Object.fromEntries(inside.map((address, index) => [`name-${index}.example`, [address]]))
  const reach = createReach(resolveFrom(names))
  reach.note('203.0.113.7')
  const hosts = inside.map((address) => address.includes(':') ? `[${address}]` : address)
  for (const host of [...Object.keys(names), ...hosts]) {
    const send = createSend({ ...LIMITS, reach })
    t.match(await problemOf(send, `http://${host}/`), /is at a private address, and/, host)
  }
})

t.test('of several addresses only those within reach are used', async (t) => {
  const names = { 'mixed.example': ['127.0.0.1', '203.0.113.9'], 'intranet.example': ['10.0.0.9'] }
  const reach = createReach(resolveFrom(names))
  reach.note('10.0.0.7')
  reach.note('127.0.0.1')
  const all = await new Promise((resolve) => {
    reach.lookup('mixed.example', { all: true }, (_error, addresses) => resolve(addresses))
  })
  t.strictSame(all, [{ address: '203.0.113.9', family: 4 }], 'the first connection counts')
  const one = await new Promise((resolve) => {
    reach.lookup('intranet.example', {}, (_error, address, family) => resolve([address, family]))
  })
  t.strictSame(one, ['10.0.0.9', 4], 'a private server may name private ones')
})

t.test('a server on this machine may name others here', async (t) => {
  const { port, count } = await startServer(t)
  const names = { 'mcp.internal': ['127.0.0.1'], 'auth.internal': ['127.0.0.1'] }
  const send = createSend({ ...LIMITS, reach: createReach(resolveFrom(names)) })
  for (const host of ['mcp.internal', 'auth.internal', '127.0.0.1']) {
    t.equal(await problemOf(send, `http://${host}:${port}/`), undefined, host)
  }
  t.equal(count(), 3)
})

t.test('each connection is taken note of, with the address that it led to', async (t) => {
  const { port } = await startServer(t)
  const noted: Array<string | undefined> = []
  const reach = { ...createReach(resolveFrom({})), note: (address?: string) => { noted.push(address) } }
  await createSend({ ...LIMITS, reach })({ url: `http://127.0.0.1:${port}/` })
  t.strictSame(noted, ['127.0.0.1'])
})

t.test('a name without an address is not reached', async (t) => {
  const send = createSend({ ...LIMITS, reach: createReach(resolveFrom({})) })
  t.match(await problemOf(send, 'http://nowhere.example/'), /^no response: /)
})
