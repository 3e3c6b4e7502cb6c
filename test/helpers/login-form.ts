/** What a browser sends when a form is filled in. */
export interface FilledForm {
  readonly url: URL
  readonly fields: URLSearchParams
}

/** Pages have entities for these in URLs and values. */
const ENTITIES: ReadonlyArray<readonly [entity: string, character: string]> = [
  ['&quot;', '"'], ['&#39;', "'"], ['&lt;', '<'], ['&gt;', '>'], ['&amp;', '&']
]
/** Everybody's. */
export const PASSWORD = 'password'
/** The same, as bcrypt hashes it. */
export const PASSWORD_HASH = '$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W'
/** What a button that refuses is called, or says. */
const REFUSAL = /cancel|reject|deny/i

/**
 * Fills in the first form of a page as a person does who signs in and agrees to everything. Returns undefined
 * when the page has no form to send.
 */
export function fillIn (html: string, page: URL, name: string): FilledForm | undefined {
  const [, tag = '', content = ''] = /<form\b([^>]*)>([^]*?)<\/form>/.exec(html) ?? []
  if (!/\bmethod="post"/i.test(tag)) return undefined
  const fields = new URLSearchParams()
  for (const [control] of content.matchAll(/<(?:input|button)\b[^>]*>/g)) {
    const field = readAttribute(control, 'name')
    const value = readAttribute(control, 'value') ?? ''
    const type = readAttribute(control, 'type')
    const isUnticked = type === 'checkbox' && !/\schecked\b/.test(control)
    if (field === undefined || isUnticked || REFUSAL.test(`${field} ${value}`)) continue
    fields.append(field, type === 'text' ? name : type === 'password' ? PASSWORD : value)
  }
  return { url: new URL(readAttribute(tag, 'action') ?? '', page), fields }
}

function readAttribute (tag: string, name: string): string | undefined {
  const text = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
  return ENTITIES.reduce((rest, [entity, character]) => rest?.replaceAll(entity, character), text)
}
