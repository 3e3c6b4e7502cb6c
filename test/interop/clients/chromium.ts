import type { Closing } from '../../helpers/closing.js'
import type { Programs } from '../programs.js'

/** The parts of playwright-core in use here; it is not a dependency. */
export interface Page {
  goto (url: string): Promise<unknown>
  getByRole (role: string, options: { readonly name: string | RegExp }): Locator
  locator (selector: string): Locator
  screenshot (options: { readonly path: string }): Promise<unknown>
  readonly keyboard: { press (key: string): Promise<void>, insertText (text: string): Promise<void> }
}

interface Locator {
  getByText (text: string, options: { readonly exact: boolean }): Locator
  first (): Locator
  click (): Promise<void>
  press (key: string): Promise<void>
  fill (text: string): Promise<void>
  focus (): Promise<void>
  innerText (): Promise<string>
  allInnerTexts (): Promise<string[]>
  isVisible (): Promise<boolean>
  waitFor (options?: { readonly state: 'attached' }): Promise<void>
}

interface PlaywrightCore {
  readonly chromium: {
    launch (options: { readonly executablePath: string, readonly args: readonly string[] }): Promise<{
      newContext (options: {
        readonly viewport: { readonly width: number, readonly height: number }
      }): Promise<Context>
      close (): Promise<void>
    }>
  }
}

interface Context {
  newPage (): Promise<Page>
  route (
    matches: (url: URL) => boolean, handle: (route: { abort (): Promise<void> }) => Promise<void>
  ): Promise<void>
  setDefaultTimeout (milliseconds: number): void
}

const STEP_LIMIT_MS = 60_000
const LOOPBACK = ['127.0.0.1', 'localhost']

/**
 * Opens a page in a new headless Chromium that reaches only this machine. Throws Missing without Chromium.
 */
export async function openPage (closing: Closing, programs: Programs): Promise<Page> {
  const executablePath = await programs.chromium()
  const { chromium } = await import(await programs.find('playwright-core')) as PlaywrightCore
  // Chromium's sandbox works neither for root nor in most containers; all pages here are our own.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  closing.after(() => browser.close())
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
  context.setDefaultTimeout(STEP_LIMIT_MS)
  await context.route(({ hostname }) => !LOOPBACK.includes(hostname), (route) => route.abort())
  return context.newPage()
}
