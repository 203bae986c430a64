// Owns the only mutable thing around the core: when it runs. Events are handled at once; one flush per turn of
// the event loop then acts on all of them, so that a burst of requests shares a plan and tokens share a message.
// Without events the core runs when its next deadline passes, and not before.
import { isTandemError } from '@tandem/core'
import { Alarm } from './alarm.js'
import type { Clock } from '@tandem/core'
import type { CoreAction, CoreEvent, SchedulerCore } from './core/index.js'

export interface CoreLoopOptions {
  readonly core: SchedulerCore
  readonly clock: Clock
  readonly dispatch: (action: CoreAction) => void
  /** A broken invariant: the books cannot be trusted any more, the process has to end. */
  readonly onFatal: (error: unknown) => void
}

export class CoreLoop {
  readonly #options: CoreLoopOptions
  readonly #alarm: Alarm
  #pending: NodeJS.Immediate | undefined
  #stopped = false

  constructor (options: CoreLoopOptions) {
    this.#options = options
    this.#alarm = new Alarm(options.clock, () => { this.post({ type: 'tick' }) })
  }

  get core (): SchedulerCore { return this.#options.core }

  /** Throws a TandemError when the core refuses the event. */
  post (event: CoreEvent): void {
    if (this.#stopped) return
    try {
      this.core.handle(event, this.#options.clock.nowMs())
    } catch (error) {
      if (isTandemError(error)) throw error
      this.#fail(error)
      return
    }
    this.#pending ??= setImmediate(() => { this.flush() })
  }

  flush (): void {
    if (this.#pending) clearImmediate(this.#pending)
    this.#pending = undefined
    if (this.#stopped) return
    try {
      for (const action of this.core.flush(this.#options.clock.nowMs())) this.#options.dispatch(action)
      this.#alarm.wakeBy(this.core.nextTickMs())
    } catch (error) {
      this.#fail(error)
    }
  }

  stop (): void {
    this.#stopped = true
    this.#alarm.close()
    if (this.#pending) clearImmediate(this.#pending)
  }

  #fail (error: unknown): void {
    this.stop()
    this.#options.onFatal(error)
  }
}
