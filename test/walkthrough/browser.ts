/** Stands for a person's browser: signs in as alice at the URL in its first argument, and comes back. */
import { createBrowser } from '../helpers/oauth-browser.js'

const REDIRECT = 'http://localhost:9876/callback'

const url = new URL(process.argv[2] ?? '')
url.searchParams.set('login_hint', 'alice')
const parameters = await createBrowser().authorize(url, REDIRECT)
await fetch(`${REDIRECT}?${parameters.toString()}`)
