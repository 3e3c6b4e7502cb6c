/**
 * A browser for programs that open one: it signs in at the demo's authorization server, which asks nothing,
 * and comes back. Argument: the URL. A program that asks for `offline_access` gets it, as OpenID Connect Core
 * §11 has it: with consent.
 */
import { createBrowser } from '../../helpers/oauth-browser.js'

const url = new URL(process.argv[2] ?? '')
url.searchParams.set('prompt', 'consent')
const redirectUrl = url.searchParams.get('redirect_uri') ?? ''
const back = await createBrowser().authorize(url, redirectUrl)
const response = await fetch(`${redirectUrl}?${back.toString()}`)
await response.body?.cancel()
