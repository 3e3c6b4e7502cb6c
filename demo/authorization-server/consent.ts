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
 * Answers the login-and-consent page of one authorization request. A forged post cannot decide
 * anything: it would need the interaction's random id and its SameSite cookie, which
 * `interactionDetails` insists on.
 */
export async function answerConsent (options: ConsentOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const interaction = await options.provider.interactionDetails(request, response)
    if (request.url?.split('?')[0] !== consentPath + interaction.uid) return sendPage(response, 404, renderProblem('not_found', ''))
    if (options.autoLogin) return await finish(options, request, response, await grantAll(options, interaction))
    if (request.method === 'GET') return sendPage(response, 200, await renderRequest(options, interaction))
    if (request.method !== 'POST') return sendPage(response, 405, renderProblem('method_not_allowed', ''))
    await finish(options, request, response, await readDecision(options, interaction, request))
  } catch (error) {
    sendPage(response, 400, renderProblem('invalid_request', error instanceof Error ? error.message : String(error)))
  }
}

async function renderRequest ({ provider, resources }: ConsentOptions, { params, session }: Interaction): Promise<string> {
  const clientId = String(params['client_id'])
  const client = await provider.Client.find(clientId)
  return renderConsent({
    client: client?.clientName ?? clientId,
    redirectsTo: new URL(String(params['redirect_uri'])).host || String(params['redirect_uri']),
    account: session?.accountId,
    resource: requestedResources(params).join(', '),
    scopes: [...requestedScopes(params)].filter((scope) =>
      requestedResources(params).some((indicator) => findResource(resources, indicator)?.scopes.includes(scope)))
  })
}

async function grantAll (options: ConsentOptions, interaction: Interaction): Promise<InteractionResult> {
  const account = interaction.session?.accountId ?? String(interaction.params['login_hint'] ?? 'demo')
  return await grant(options, interaction, account, requestedScopes(interaction.params))
}

async function readDecision (options: ConsentOptions, interaction: Interaction, request: IncomingMessage): Promise<InteractionResult> {
  const form = await readForm(request)
  if (form.get('decision') !== 'allow') return { error: 'access_denied', error_description: 'the user denied access' }
  const account = interaction.session?.accountId ?? form.get('account')?.trim().slice(0, 100)
  if (!account) throw new Error('a name is needed')
  return await grant(options, interaction, account, new Set(form.getAll('scope')))
}

/** Grants what was both asked for and allowed, and marks the rest as refused so that it is not asked for again. */
async function grant ({ provider, resources }: ConsentOptions, { params }: Interaction, account: string, allowed: ReadonlySet<string>): Promise<InteractionResult> {
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

async function finish ({ provider }: ConsentOptions, request: IncomingMessage, response: ServerResponse, result: InteractionResult): Promise<void> {
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}

function requestedScopes (params: Interaction['params']): Set<string> {
  const scope = params['scope']
  return new Set(typeof scope === 'string' ? scope.split(' ') : [])
}

function requestedResources (params: Interaction['params']): string[] {
  const resource = params['resource'] ?? []
  return (Array.isArray(resource) ? resource : [resource]).map(String)
}

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
    // No form-action: browsers apply it to the redirect back to the client as well.
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    'referrer-policy': 'no-referrer'
  }).end(html)
}
