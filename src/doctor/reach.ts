import { lookup as resolveName } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** How far inside an address lies, seen from the internet. */
const PLACES = ['at a public address', 'at a private address', 'on this machine'] as const

const thisMachine = listOf(['0.0.0.0/8', '127.0.0.0/8', '::/128', '::1/128'])
/** RFC 1918, RFC 6598, RFC 3927, RFC 4193 and RFC 4291 §2.5.6, §2.5.7. */
const privateNetworks = listOf([
  '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16',
  'fc00::/7', 'fe80::/10', 'fec0::/10'
])

/** Keeps an examination from being led further inside than its first connection went. */
export interface Reach {
  /** Resolves names, and leaves out addresses further inside. An address in a URL is never resolved. */
  readonly lookup: LookupFunction
  /** Returns why an address in a URL is out of reach; undefined for one within it, and for a name. */
  refuse (hostname: string): string | undefined
  /** Takes note of a connection. Only the first one counts: the operator named that server. */
  note (address: string | undefined): void
}

/**
 * Returns the reach of one examination. Addresses are looked at when a connection is made, so it does
 * not matter what a name led to before (DNS rebinding).
 */
export function createReach (resolve: typeof resolveName = resolveName): Reach {
  let innermost: number | undefined

  function isWithin (address: string): boolean {
    return innermost === undefined || placeOf(address) <= innermost
  }

  function explain (hostname: string, address: string): string {
    return `${hostname} is ${PLACES[placeOf(address)]}, and the examined server is ${PLACES[innermost ?? 0]}`
  }

  const lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const within = addresses.filter(({ address }) => isWithin(address))
      const [first] = within
      if (first === undefined) {
        return callback(new Error(explain(hostname, addresses[0]?.address ?? hostname)), [])
      }
      if (options.all === true) return callback(null, within)
      callback(null, first.address, first.family)
    })
  }

  return {
    lookup,
    refuse: (hostname) => {
      const address = hostname.replace(/^\[|\]$/g, '')
      return isIP(address) === 0 || isWithin(address) ? undefined : explain(hostname, address)
    },
    note: (address) => {
      if (address !== undefined) innermost ??= placeOf(address)
    }
  }
}

/** Returns an index of PLACES. */
function placeOf (address: string): 0 | 1 | 2 {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  if (thisMachine.check(address, family)) return 2
  return privateNetworks.check(address, family) ? 1 : 0
}

/** A list of IPv4 networks also has the IPv6 addresses that are mapped to them. */
function listOf (networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address, bits] = network.split('/') as [string, string]
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}
