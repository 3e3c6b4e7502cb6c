import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Interaction, InteractionResult, Provider } from 'oidc-provider/lib/provider.js'
import { ownScopes } from './configuration.js'
import { renderConsent, renderProblem } from './consent-page.js'
import { findResource, type TokenResource } from './token-resource.js'

export interface ConsentOptions {
  readonly provider: Provider
  readonly resources: readonly TokenResource[]
  /** Sign in and grant everything without showing the page. */
  readonly autoLogin: boolean
}

export const consentPath = '/interaction/'

/**
 * Answers the login-and-consent page of one authorization request. A forged POST cannot decide
 * anything: `interactionDetails` demands the interaction's random id and its SameSite cookie.
 */
export async function answerConsent (
  options: ConsentOptions, request: IncomingMessage, response: ServerResponse
): Promise<void> {
  const { provider, autoLogin } = options
  const finish = (result: InteractionResult): Promise<void> =>
    provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })

  try {
    const interaction = await provider.interactionDetails(request, response)
    const isItsPage = request.url?.split('?')[0] === consentPath + interaction.uid
    if (!isItsPage) return sendPage(response, 404, renderProblem('not_found', ''))
    if (autoLogin) return await finish(await grantAll(options, interaction))
    if (request.method === 'GET') return sendPage(response, 200, await renderRequest(options, interaction))
    if (request.method !== 'POST') return sendPage(response, 405, renderProblem('method_not_allowed', ''))
    await finish(await readDecision(options, interaction, request))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    sendPage(response, 400, renderProblem('invalid_request', message))
  }
}

async function renderRequest (
  { provider, resources }: ConsentOptions, { params, session }: Interaction
): Promise<string> {
  const clientId = String(params['client_id'])
  const client = await provider.Client.find(clientId)
  const indicators = requestedResources(params)
  const offered = new Set(indicators.flatMap((indicator) => findResource(resources, indicator)?.scopes ?? []))
  return renderConsent({
    client: client?.clientName ?? clientId,
    redirectsTo: new URL(String(params['redirect_uri'])).host || String(params['redirect_uri']),
    account: session?.accountId,
    resource: indicators.join(', '),
    scopes: [...requestedScopes(params)].filter((scope) => offered.has(scope))
  })
}

async function grantAll (options: ConsentOptions, interaction: Interaction): Promise<InteractionResult> {
  const account = interaction.session?.accountId ?? String(interaction.params['login_hint'] ?? 'demo')
  return await grant(options, interaction, account, requestedScopes(interaction.params))
}

async function readDecision (
  options: ConsentOptions, interaction: Interaction, request: IncomingMessage
): Promise<InteractionResult> {
  const form = await readForm(request)
  if (form.get('decision') !== 'allow') {
    return { error: 'access_denied', error_description: 'the user denied access' }
  }
  const account = interaction.session?.accountId ?? form.get('account')?.trim().slice(0, 100)
  if (!account) throw new Error('a name is needed')
  return await grant(options, interaction, account, new Set(form.getAll('scope')))
}

/**
 * Grants the scopes that were both requested and allowed. The other requested scopes are marked as
 * refused, so that nobody is asked for them again.
 */
async function grant (
  { provider, resources }: ConsentOptions,
  { params }: Interaction,
  account: string,
  allowed: ReadonlySet<string>
): Promise<InteractionResult> {
  const consent = new provider.Grant({ accountId: account, clientId: String(params['client_id']) })
  const requested = [...requestedScopes(params)]
  consent.addOIDCScope(requested.filter((scope) => ownScopes.includes(scope)).join(' '))
  for (const indicator of requestedResources(params)) {
    const offered = findResource(resources, indicator)?.scopes ?? []
    const scopes = requested.filter((scope) => offered.includes(scope))
    consent.addResourceScope(indicator, scopes.filter((scope) => allowed.has(scope)).join(' '))
    consent.rejectResourceScope(indicator, scopes.filter((scope) => !allowed.has(scope)).join(' '))
  }
  return { login: { accountId: account }, consent: { grantId: await consent.save() } }
}

function requestedScopes (params: Interaction['params']): Set<string> {
  const scope = params['scope']
  return new Set(typeof scope === 'string' ? scope.split(' ') : [])
}

function requestedResources (params: Interaction['params']): string[] {
  const resource = params['resource'] ?? []
  return (Array.isArray(resource) ? resource : [resource]).map(String)
}

/** Without form-action: browsers apply it to the redirect back to the client, too. */
const securityPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

const maxFormBytes = 16_384

async function readForm (request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > maxFormBytes) throw new Error('the form is too large')
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

function sendPage (response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': securityPolicy,
    'referrer-policy': 'no-referrer'
  }).end(html)
}
