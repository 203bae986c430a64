// Owns what the benches need to know of a server under test, however it came to run.

export interface Server {
  readonly name: string
  /** Base URL without /v1. */
  readonly url: string
  /** The model it is asked for. */
  readonly model: string
  /** What the report says about it: topology, backend, command. */
  readonly facts: Readonly<Record<string, unknown>>
  /** Ends what was started for it; a server that ran before stays. */
  stop (): Promise<void>
}

/** Stops all, each whatever happened to the others. */
export async function stopAll (servers: readonly Server[]): Promise<void> {
  await Promise.allSettled(servers.map(async server => { await server.stop() }))
}
