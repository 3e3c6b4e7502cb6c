import { isLoopback } from './options/loopback.js'
import type { Proxies } from './options/environment.js'
import type { Fetch } from './oauth/fetch-json.js'

/**
 * Returns what fetches documents of authorization servers: through the proxies that the environment names, as
 * curl does it, or directly. Loopback is never asked through a proxy: it would be the proxy's.
 */
export async function openFetch ({ httpProxy, httpsProxy, noProxy = '' }: Proxies): Promise<Fetch> {
  if (httpProxy === undefined && httpsProxy === undefined) return fetch
  // Most set-ups have no proxy, and need not load this.
  const { EnvHttpProxyAgent, fetch: fetchThrough } = await import('undici')
  // Whatever is left out here, the agent would read from the environment.
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: httpProxy ?? '', httpsProxy: httpsProxy ?? '', noProxy
  })

  return (url, init) => {
    const proxy = url.protocol === 'https:' ? httpsProxy : httpProxy
    if (proxy === undefined || isLoopback(url.hostname)) return fetch(url, init)
    return fetchThrough(url, { ...init, dispatcher })
  }
}
