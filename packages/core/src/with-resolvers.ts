// Owns the promise whose ends are handed out apart (Promise.withResolvers, which Node 20 does not have).

export interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  resolve (value: T): void
  reject (error: unknown): void
}

export function withResolvers<T = void> (): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((_resolve, _reject) => { resolve = _resolve; reject = _reject })
  return { promise, resolve, reject }
}
