import { startAuthorizationServer } from '../../../demo/authorization-server.js'
import type { Page } from '../clients/chromium.js'
import { SCOPES, type AuthorizationServerKind } from './authorization-server.js'

/** The demo's authorization server (oidc-provider), one for each resource. */
export const DEMO: AuthorizationServerKind = {
  title: 'the demo’s, oidc-provider',
  registration: 'dynamic',
  told: 'the first',
  settings: { server: { defaultScopes: [SCOPES.first] }, entry: {} },
  async start (closing) {
    return {
      async protect (resource, isAutomatic) {
        const server = await startAuthorizationServer({
          port: 0, resources: [{ resource, scopes: Object.values(SCOPES) }], autoLogin: isAutomatic
        })
        closing.after(() => server.close())
        return {
          issuer: server.issuer,
          issueToken: (request) => server.issueToken(request),
          subjectOf: (name) => name,
          signIn
        }
      }
    }
  }
}

async function signIn (page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Allow' }).waitFor()
  const field = page.getByRole('textbox', { name: 'Your name' })
  if (await field.isVisible()) await field.fill(name)
  await page.getByRole('button', { name: 'Allow' }).click()
}
