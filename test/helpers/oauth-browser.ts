/** Follows redirects and keeps cookies the way a person's browser does during a login; shows no page. */
export interface Browser {
  /**
   * Opens the URL and returns the parameters of the redirect that leaves for `redirectUrl`.
   * Throws when anything but a redirect comes: a page, which nobody is there to fill in, or an error.
   */
  authorize (url: URL, redirectUrl: string): Promise<URLSearchParams>
}

interface Cookie { readonly name: string, readonly value: string, readonly path: string }

const maxRedirects = 10

/** Returns a browser without cookies. */
export function createBrowser (): Browser {
  // By name and path: an authorization server keeps one cookie per authorization request.
  const cookies = new Map<string, Cookie>()

  return {
    async authorize (url, redirectUrl) {
      let location = url
      for (let redirects = 0; redirects < maxRedirects; redirects++) {
        const response = await fetch(location, {
          redirect: 'manual',
          headers: cookieHeader(cookies, location)
        })
        for (const cookie of response.headers.getSetCookie()) store(cookies, cookie, location)
        const next = response.headers.get('location')
        if (next === null) {
          const { status } = response
          throw new Error(`no redirect from ${location.pathname} but ${status}: ${await response.text()}`)
        }
        await response.body?.cancel()
        location = new URL(next, location)
        if (location.href.startsWith(redirectUrl)) return location.searchParams
      }
      throw new Error(`more than ${maxRedirects} redirects, the last to ${location.href}`)
    }
  }
}

function cookieHeader (cookies: ReadonlyMap<string, Cookie>, { pathname }: URL): Record<string, string> {
  const matching = [...cookies.values()].filter(({ path }) => pathname.startsWith(path))
  if (matching.length === 0) return {}
  return { cookie: matching.map(({ name, value }) => `${name}=${value}`).join('; ') }
}

function store (cookies: Map<string, Cookie>, header: string, { pathname }: URL): void {
  const [pair = '', ...attributes] = header.split(';').map((part) => part.trim())
  const [name = '', ...value] = pair.split('=')
  const attribute = (wanted: string): string | undefined =>
    attributes.find((text) => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1)
  const path = attribute('path') ?? pathname
  const expires = attribute('expires')
  if (expires !== undefined && Date.parse(expires) <= Date.now()) cookies.delete(`${name} ${path}`)
  else cookies.set(`${name} ${path}`, { name, value: value.join('='), path })
}
