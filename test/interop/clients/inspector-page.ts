import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Closing } from '../../helpers/closing.js'
import { findFreePort } from '../../helpers/ports.js'
import { runServer } from '../server-process.js'
import type { Call } from '../upstreams.js'
import type { Client, Surroundings, Visit } from '../visit.js'
import { openPage, type Page } from './chromium.js'
import { findInspectorNode } from './inspector-cli.js'

/** What the page shows after a call, whether it succeeded or failed. */
const RESULT = { role: 'heading', name: 'Results' } as const
const FAILURE = { role: 'heading', name: 'Tool Call Failed' } as const
const MORE_SCOPES = { role: 'dialog', name: 'Additional permissions required' } as const

const DRAW_LIMIT_MS = 3_000
const DRAW_POLL_MS = 50

/** Returns the Inspector's web page in a headless Chromium: its user signs in and steps up on pages. */
export function listInspectorPages (): readonly Client[] {
  return [{ title: 'Inspector page', era: 'any', signsInElsewhere: true, untold: 'an empty list', visit }]
}

async function visit (closing: Closing, surroundings: Surroundings): Promise<Visit> {
  const { stack, task: { allowed, privileged, forbidden }, picture, subject } = surroundings
  const { authorizationServer } = stack.unfiltered
  const page = await openPage(closing, surroundings.programs)
  await page.goto(await startInspector(closing, surroundings))
  await page.getByRole('switch', { name: /^Connect or disconnect/ }).press('Space')
  await authorizationServer.signIn(page, subject)
  await showTools(page)
  const tools = await page.locator('main button p').allInnerTexts()

  const result = await call(page, allowed)
  await page.screenshot({ path: picture })
  return {
    list: 'unfiltered',
    tools,
    allowed: result.text,
    forbidden: await call(page, forbidden).then(
      ({ ending, text }) => ending === 'failure' ? text : undefined
    ),
    privileged: await callWithMoreScopes(page, privileged, () => authorizationServer.signIn(page, subject))
  }
}

/** Starts the page's web server, with only the protected resource in its list; returns the page's URL. */
async function startInspector (
  closing: Closing, { stack, transport, era, programs, folder }: Surroundings
): Promise<string> {
  const port = await findFreePort()
  const home = join(folder, 'home')
  await mkdir(home)
  const env = {
    HOME: home,
    HOST: '127.0.0.1',
    CLIENT_PORT: `${port}`,
    MCP_SANDBOX_PORT: `${await findFreePort()}`,
    MCP_AUTO_OPEN_ENABLED: 'false',
    MCP_INSPECTOR_SECRET_STORE: 'memory'
  }
  const server = await runServer(closing, [
    await findInspectorNode(programs), await programs.find('inspector'),
    '--web', '--server-url', stack.unfiltered.resource, '--transport', transport, '--protocol-era', era
  ], { port, env, cwd: home })
  const [url] = await server.printed(/http:\S+API_TOKEN=\w+/)
  return url
}

async function showTools (page: Page): Promise<void> {
  await page.getByRole('radio', { name: 'Tools' }).waitFor({ state: 'attached' })
  await page.locator('header').getByText('Tools', { exact: true }).click()
  await page.getByRole('heading', { name: /^Tools \(\d+\)/ }).waitFor()
}

interface Ending {
  readonly ending: 'result' | 'failure' | 'more scopes'
  readonly text: string
}

async function call (
  page: Page, { tool, args, result }: Pick<Call, 'tool' | 'args'> & Partial<Call>
): Promise<Ending> {
  await page.locator('main button p').getByText(tool, { exact: true }).click()
  await page.getByRole('switch', { name: 'Edit as JSON' }).press('Space')
  await page.locator('.ace_text-input').first().focus()
  await page.keyboard.press('Control+A')
  await page.keyboard.insertText(JSON.stringify(args))
  await page.getByRole('button', { name: 'Execute Tool' }).click()
  const endings: ReadonlyArray<Promise<Ending['ending']>> = [
    page.getByRole(RESULT.role, RESULT).waitFor().then(() => 'result'),
    page.getByRole(FAILURE.role, FAILURE).waitFor().then(() => 'failure'),
    page.getByRole(MORE_SCOPES.role, MORE_SCOPES).waitFor().then(() => 'more scopes')
  ]
  const ending = await Promise.any(endings)
  return { ending, text: await readText(page, ending === 'result' ? result : undefined) }
}

/** Results are drawn a little after their heading. */
async function readText (page: Page, expected: RegExp | undefined): Promise<string> {
  for (let left = DRAW_LIMIT_MS / DRAW_POLL_MS; ; left--) {
    const text = await page.locator('main').innerText()
    if (left === 0 || expected === undefined || expected.test(text)) return text
    await sleep(DRAW_POLL_MS)
  }
}

/** Calls, authorizes again if the page offers it, and calls once more. */
async function callWithMoreScopes (
  page: Page, privileged: Call, signIn: () => Promise<void>
): Promise<Visit['privileged']> {
  const first = await call(page, privileged)
  if (first.ending === 'result') return { kind: 'answered', text: first.text }
  if (first.ending !== 'more scopes') return { kind: 'refused', text: first.text }
  await page.getByRole('button', { name: 'Authorize' }).click()
  await signIn()
  await showTools(page)
  const second = await call(page, privileged)
  return { kind: second.ending === 'result' ? 'answered' : 'refused', text: second.text }
}
