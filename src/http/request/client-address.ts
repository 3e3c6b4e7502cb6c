import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, SocketAddress } from 'node:net'
import { readAddressRanges } from '../../options/address-range.js'

/** Returns the address of the client, or undefined when the connection has none. */
export type ReadClientAddress = (request: IncomingMessage) => string | undefined

/** No chain of proxies is longer. A trusted client could write one of thousands. */
const MAX_PROXIES = 16
/** IPv4 with a port, or IPv6 in brackets with or without one: some proxies write them so. */
const WITH_PORT = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}|\[([\da-f.]*:[\da-f:.]*)\](?::\d{1,5})?)$/i
/** Longest spelling of an address, in brackets and with a port. */
const MAX_LENGTH = 53
const IPV4_PREFIX = '::ffff:'

/**
 * Returns how the client's address is found (O4). Without trusted proxies it is the address that the
 * connection comes from. A trusted proxy says in `X-Forwarded-For` where its request came from, at the end:
 * the list is read from there, as long as the one who wrote an entry is trusted. What stands further left was
 * written by somebody who is not, so a client cannot choose the address that the log has. An entry that is no
 * address ends the search as well: who it stands for is not known, but who wrote it is.
 *
 * Nothing is decided from this address. Fastify's `trustProxy` is not used: it would believe the proxy's
 * `X-Forwarded-Host` and `-Proto` as well, and takes an entry that is no address for the client's.
 */
export function clientAddress (trustedProxies: readonly string[]): ReadClientAddress {
  if (trustedProxies.length === 0) return ofConnection
  const trusted = new BlockList()
  for (const { address, prefix, family } of trustedProxies.flatMap((one) => readAddressRanges(one) ?? [])) {
    trusted.addSubnet(address, prefix, family)
  }
  const isTrusted = (address: string): boolean => trusted.check(address, familyOf(address))

  return (request) => {
    const { 'x-forwarded-for': header = '' } = request.headers
    const list = String(header)
    let address = ofConnection(request)
    let end = list.length
    for (let proxies = 0; proxies < MAX_PROXIES && end > 0; proxies++) {
      if (address === undefined || !isTrusted(address)) return address
      const comma = list.lastIndexOf(',', end - 1)
      const entry = readEntry(list.slice(comma + 1, end))
      if (entry === undefined) return address
      address = entry
      end = comma
    }
    return address
  }
}

function ofConnection ({ socket: { remoteAddress } }: IncomingMessage): string | undefined {
  return remoteAddress === undefined ? undefined : withoutPrefix(remoteAddress)
}

function readEntry (text: string): string | undefined {
  const entry = text.trim()
  if (entry.length > MAX_LENGTH) return undefined
  const [, ipv4, ipv6] = WITH_PORT.exec(entry) ?? []
  const address = ipv4 ?? ipv6 ?? entry
  if (isIP(address) === 0) return undefined
  // One spelling for each address, which the log can be searched for.
  return withoutPrefix(new SocketAddress({ address, family: familyOf(address) }).address)
}

/** An IPv4 address in IPv6 form is the IPv4 address: a listener on `::` reports every one so. */
function withoutPrefix (address: string): string {
  const isMapped = address.startsWith(IPV4_PREFIX) && address.includes('.')
  return isMapped ? address.slice(IPV4_PREFIX.length) : address
}

function familyOf (address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
