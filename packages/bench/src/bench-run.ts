// Owns what every bench needs around its measuring: progress, the signals, servers that are stopped whatever happens.
import { setMaxListeners } from 'node:events'
import { ProgressLine } from '@tandem/cli'
import type { CommandContext } from '@tandem/cli'
import { makeError } from '@tandem/core'
import { benchErrors } from './errors.js'
import { stopAll } from './servers/server.js'
import type { Server } from './servers/server.js'

export class BenchRun {
  private readonly progress: ProgressLine
  private readonly controller = new AbortController()
  private readonly servers: Server[] = []

  private constructor (readonly context: CommandContext) {
    this.progress = new ProgressLine(context.terminal)
    // Every request in flight listens.
    setMaxListeners(0, this.controller.signal)
  }

  /** Ends with `interrupted` at the first signal; by then nothing started here runs any more. */
  static async with<T> (context: CommandContext, measure: (run: BenchRun) => Promise<T>): Promise<T> {
    const run = new BenchRun(context)
    const restoreSignals = context.onStopSignal(() => run.controller.abort(makeError(benchErrors, 'interrupted')), () => {})
    try {
      return await measure(run)
    } finally {
      if (run.servers.length > 0) run.say('stopping')
      await stopAll(run.servers)
      run.progress.end()
      restoreSignals()
    }
  }

  get signal (): AbortSignal { return this.controller.signal }

  get env (): Readonly<Record<string, string | undefined>> { return this.context.env }

  readonly say = (text: string): void => { this.progress.update(text) }

  /** The server is stopped when the run ends. */
  async use<S extends Server> (name: string, starting: () => Promise<S>): Promise<S> {
    this.signal.throwIfAborted()
    this.say(`starting ${name}`)
    const server = await starting()
    this.servers.push(server)
    return server
  }
}
