/** Closes the server on SIGTERM and SIGINT; a second signal ends the process at once. */
export function closeOnSignal (server: { close (): Promise<void> }): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      server.close().then(() => process.exit(0), () => process.exit(1))
    })
  }
}

/** Returns the port in an environment variable. Throws for anything but a port number. */
export function readPort (text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new Error(`PORT is not a port number: ${text}`)
  return port
}
