/** A promise and how to resolve it, to hand an event from one side of the gateway to the other. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>
  resolve (value: Value): void
}

export function defer<Value = void> (): Deferred<Value> {
  let resolve!: (value: Value) => void
  const promise = new Promise<Value>((_resolve) => { resolve = _resolve })
  return { promise, resolve }
}
