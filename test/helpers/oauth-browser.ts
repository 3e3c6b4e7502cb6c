import { fillIn } from './login-form.js'

/**
 * Follows redirects, keeps cookies and fills in forms the way a person's browser does during a login; shows
 * no page.
 */
export interface Browser {
  /**
   * Opens the URL and returns the parameters of the redirect that leaves for `redirectUrl`. On pages it signs
   * in as the URL's `login_hint` and agrees to everything.
   * Throws when anything else comes: a page without a form, or for nobody, or an error.
   */
  authorize (url: URL, redirectUrl: string): Promise<URLSearchParams>
}

interface Cookie { readonly name: string, readonly value: string, readonly path: string }

/** Redirects and forms. */
const maxSteps = 12

/** Returns a browser without cookies. */
export function createBrowser (): Browser {
  // By name and path: an authorization server keeps one cookie per authorization request.
  const cookies = new Map<string, Cookie>()

  return {
    async authorize (url, redirectUrl) {
      const name = url.searchParams.get('login_hint')
      let request: BrowserRequest = { url }
      for (let steps = 0; steps < maxSteps; steps++) {
        const response = await send(cookies, request)
        const next = response.headers.get('location')
        if (next === null) {
          request = await answerPage(response, request.url, name)
          continue
        }
        await response.body?.cancel()
        request = { url: new URL(next, request.url) }
        if (request.url.href.startsWith(redirectUrl)) return request.url.searchParams
      }
      throw new Error(`more than ${maxSteps} redirects and forms, the last to ${request.url.href}`)
    }
  }
}

interface BrowserRequest { readonly url: URL, readonly fields?: URLSearchParams }

async function send (cookies: Map<string, Cookie>, { url, fields }: BrowserRequest): Promise<Response> {
  const response = await fetch(url, {
    redirect: 'manual',
    headers: cookieHeader(cookies, url),
    ...fields === undefined ? {} : { method: 'POST', body: fields }
  })
  for (const cookie of response.headers.getSetCookie()) store(cookies, cookie, url)
  return response
}

async function answerPage (response: Response, url: URL, name: string | null): Promise<BrowserRequest> {
  const page = await response.text()
  const form = response.ok && name !== null ? fillIn(page, url, name) : undefined
  if (form === undefined) throw new Error(`no redirect from ${url.pathname} but ${response.status}: ${page}`)
  return form
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
