/**
 * Resolves once the condition holds, and looks again in every turn of the event loop. Rejects with `what`
 * when it does not hold in time.
 */
export async function until (
  condition: () => boolean | Promise<boolean>, what: string, { withinMs = 5_000 } = {}
): Promise<void> {
  const end = performance.now() + withinMs
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => { setImmediate(resolve) })
  }
}
