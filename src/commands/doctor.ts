import { examine } from '../doctor/examine.js'
import { formatJson, formatText, summarise } from '../doctor/report.js'
import { systemClock } from '../clock.js'
import type { FlagsOf } from './command-line.js'
import { EXIT, readSecret, UsageError, type Output } from './io.js'
import type { Paint, Style } from './paint.js'

export type DoctorFlags = FlagsOf<'doctor'>

const DEFAULT_TIMEOUT_SECONDS = '5'
/** RFC 6750 §2.1. A shorter one is a mistake, and hiding it everywhere would garble the report. */
const TOKEN = /^[\w\-.~+/]{8,}=*$/

/** Examines an MCP server from outside and prints every finding. Returns 1 when a check failed, else 0. */
export async function doctor (flags: DoctorFlags, output: Output): Promise<number> {
  const { url } = flags
  if (url === undefined) throw new UsageError('doctor needs the URL of an MCP endpoint')
  const findings = await examine({
    url: readUrl(url),
    token: readToken(flags.token, '--token'),
    otherToken: readToken(flags['other-token'], '--other-token'),
    register: flags.register,
    browserOrigin: readOrigin(flags.origin),
    timeoutMs: readSeconds(flags.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1000,
    now: systemClock.now
  })
  if (flags.json === true) output.print(formatJson(url, findings))
  else output.print(paintMarks(formatText(url, findings), output.paint))
  return summarise(findings).fail === 0 ? EXIT.ok : EXIT.failure
}

const MARKS: ReadonlyMap<string, Style> = new Map([['✓', 'green'], ['✗', 'red'], ['!', 'yellow']])

/** Only a finding of ours begins so: what servers chose is quoted. */
function paintMarks (text: string, paint: Paint): string {
  return text.replaceAll(/^ {2}([✓✗!])/gm, (_, mark: string) => `  ${paint(MARKS.get(mark) ?? 'bold', mark)}`)
}

function readUrl (text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new UsageError('the URL must begin with https:// or http://')
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('the URL must not have a user name or a password')
  }
  if (text.includes('#')) throw new UsageError('the URL must not have a fragment')
  return text
}

function readToken (text: string | undefined, flag: string): string | undefined {
  if (text === undefined) return undefined
  const token = readSecret(text)
  if (TOKEN.test(token)) return token
  throw new UsageError(`${flag} must be one access token, without "Bearer" (- reads it from standard input)`)
}

function readOrigin (text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (URL.canParse(text) && new URL(text).origin === text) return text
  throw new UsageError('--origin must be an origin, for example https://app.example')
}

function readSeconds (text: string): number {
  const seconds = Number(text)
  if (/^\d{1,3}$/.test(text) && seconds > 0) return seconds
  throw new UsageError('--timeout must be a number of seconds, 1 to 999')
}
