import { isIP, SocketAddress } from 'node:net'

/** All addresses that share their first `prefix` bits with `address`. */
export interface AddressRange {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

const LOOPBACK = ['127.0.0.0/8', '::1']
/** RFC 1918 §3 and RFC 4193 §3.1. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']

/**
 * Reads an address, a range in CIDR notation, or one of the names `loopback` and `private`. Returns undefined
 * for anything else, and for what is best written in another way: a range of all addresses, a zone, and an
 * IPv4 address in IPv6 form.
 */
export function readAddressRanges (text: string): readonly AddressRange[] | undefined {
  if (text === 'loopback') return LOOPBACK.flatMap((one) => readRange(one) ?? [])
  if (text === 'private') return PRIVATE.flatMap((one) => readRange(one) ?? [])
  const range = readRange(text)
  return range === undefined ? undefined : [range]
}

function readRange (text: string): AddressRange | undefined {
  const [, address = '', length] = /^([\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const version = isIP(address)
  if (version === 0) return undefined
  const family = version === 4 ? 'ipv4' : 'ipv6'
  if (new SocketAddress({ address, family }).address.startsWith('::ffff:')) return undefined
  const bits = version === 4 ? 32 : 128
  const prefix = length === undefined ? bits : Number(length)
  return prefix < 1 || prefix > bits ? undefined : { address, prefix, family }
}
