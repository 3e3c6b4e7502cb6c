/**
 * Stands for a person's browser: signs in at the URL in its first argument, under the name in the second, and
 * comes back.
 */
import { createBrowser } from '../helpers/oauth-browser.js'

const REDIRECT = 'http://localhost:9876/callback'

const [, , href = '', name = ''] = process.argv
const url = new URL(href)
url.searchParams.set('login_hint', name)
const parameters = await createBrowser().authorize(url, REDIRECT)
await fetch(`${REDIRECT}?${parameters.toString()}`)
