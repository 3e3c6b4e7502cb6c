export interface ConsentRequest {
  readonly client: string
  readonly redirectsTo: string
  /** Undefined before somebody has signed in. */
  readonly account: string | undefined
  readonly resource: string
  readonly scopes: readonly string[]
}

/** Returns the page that asks who signs in and which scopes the client may have. */
export function renderConsent (request: ConsentRequest): string {
  const scopes = request.scopes.map(escapeHtml).map((scope) => `
<li><label><input type="checkbox" name="scope" value="${scope}" checked> <code>${scope}</code></label></li>`)
  const account = request.account === undefined
    ? `<p><label>Your name: <input name="account" value="demo" required maxlength="100" autofocus></label>
(any name works, there is no password)</p>`
    : `<p>You are <strong>${escapeHtml(request.account)}</strong>.</p>`
  const [client, resource] = [escapeHtml(request.client), escapeHtml(request.resource)]

  return renderPage('Allow access?', `
<p><strong>${client}</strong> wants to use <code>${resource}</code> in your name.
Afterwards you are sent to <code>${escapeHtml(request.redirectsTo)}</code>.</p>
<form method="post">
${account}
<p>It may have these scopes; untick one to see a step-up later:</p>
<ul>${scopes.join('')}</ul>
<p><button name="decision" value="allow">Allow</button>
<button name="decision" value="deny" formnovalidate>Deny</button></p>
</form>`)
}

/** Returns a page for an error that cannot be sent back to the client. */
export function renderProblem (error: string, description: string): string {
  return renderPage('That did not work', `
<p><code>${escapeHtml(error)}</code></p>
<p>${escapeHtml(description)}</p>`)
}

function renderPage (title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Postern demo</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem }
.notice { background: #fe9; padding: .5rem 1rem }
ul { list-style: none; padding: 0 }
button { font: inherit; padding: .3rem 1.2rem }
</style>
<p class="notice">This is a demo authorization server: it believes every name that you give it.
Never use it for anything real.</p>
<h1>${title}</h1>
${body}
</html>
`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'
}

function escapeHtml (text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
