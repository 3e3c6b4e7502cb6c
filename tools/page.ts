/** Returns a page with the text between two marks replaced. Throws Error when a mark is missing. */
export function replaceBetween (
  page: string, [open, close]: readonly [string, string], text: string
): string {
  const start = page.indexOf(open)
  const end = page.indexOf(close)
  if (start === -1 || end < start) throw new Error(`the page has no place for a table: ${open} … ${close}`)
  return `${page.slice(0, start + open.length)}\n\n${text}\n\n${page.slice(end)}`
}
