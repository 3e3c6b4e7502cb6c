import { escapeInvisible, type FormatLine } from './logger.js'

export type LineStyle = 'dim' | 'red' | 'yellow' | 'green' | 'cyan'

const LEVELS: ReadonlyMap<unknown, readonly [name: string, style: LineStyle]> = new Map([
  [10, ['TRACE', 'dim']], [20, ['DEBUG', 'dim']], [30, ['INFO ', 'green']], [40, ['WARN ', 'yellow']],
  [50, ['ERROR', 'red']], [60, ['FATAL', 'red']]
])

/** A value that needs no quotes: nothing in it looks like the next field. */
const PLAIN = /^[\w.:/@*+~?&%#$!,;()-]+$/

/**
 * Returns what writes a line of the log for people: time (UTC), level, event, sentence, then `name=value`.
 * It is no weaker than JSON (O4): a value with any other character than those of names and URLs stands in
 * quotes, escaped as in a line of JSON, so that it is never a second line or a field of its own. (pino-pretty
 * writes messages and stack traces as they are.)
 */
export function prettyLines (paint: (style: LineStyle, text: string) => string): FormatLine {
  return function prettyLine (line) {
    const { level, time, event, message, ...fields } = JSON.parse(line) as Record<string, unknown>
    const [name, style] = LEVELS.get(level) ?? [String(level), 'dim' as const]
    const parts = [
      paint('dim', String(time).slice(11, 23)),
      paint(style, name),
      ...(event === undefined ? [] : [paint('cyan', formatValue(event, /^[\w ]+$/))]),
      ...(message === undefined ? [] : [formatValue(message, SENTENCE)]),
      ...listFields(fields).map(([field, value]) => paint('dim', `${field}=`) + formatValue(value, PLAIN))
    ]
    return `${parts.join(' ')}\n`
  }
}

/** A sentence of ours may quote a place or a URL, but never ends a line or turns its text. */
const SENTENCE = /^[\p{L}\p{N}\p{P}\p{S} ]*$/u

/** Returns members of members as well, with their path as the name. */
function listFields (fields: object, prefix = ''): Array<readonly [string, unknown]> {
  return Object.entries(fields).flatMap(([name, value]): Array<readonly [string, unknown]> => {
    const path = `${prefix}${formatValue(name, PLAIN)}`
    const isNested = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isNested ? listFields(value, `${path}.`) : [[path, value]]
  })
}

function formatValue (value: unknown, plain: RegExp): string {
  if (typeof value === 'string' && plain.test(value)) return value
  return escapeInvisible(JSON.stringify(value))
}
