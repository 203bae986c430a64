// Owns when the store hears of the books: a moment after a change, in time to renew leases, and again and again while it is out of
// touch. What it is told is the publisher's.
import { Alarm } from './alarm.js'
import type { Clock } from '@tandem/core'

/** Changes of this long travel together; also the pace of tries while the store is lost. */
export const PUBLISH_MS = 250

/** What a StorePublisher is to its schedule. */
export interface Publisher {
  readonly isInSync: boolean
  /** When the first lease wants to be renewed; Infinity without one. */
  readonly renewAtMs: number
  publish (nowMs: number): Promise<void>
}

export class PublishSchedule {
  readonly #alarm: Alarm
  #isPublishing = false
  #isChanged = false

  constructor (private readonly publisher: Publisher, private readonly clock: Clock) {
    this.#alarm = new Alarm(clock, () => { void this.#publish() })
  }

  /** The books may differ from what was published. */
  changed (): void {
    if (this.#isChanged) return
    this.#isChanged = true
    this.#alarm.wakeBy(this.clock.nowMs() + PUBLISH_MS)
  }

  close (): void { this.#alarm.close() }

  async #publish (): Promise<void> {
    // A slow store: the run in progress looks for what changed meanwhile when it is done.
    if (this.#isPublishing) return
    this.#isPublishing = true
    this.#isChanged = false
    await this.publisher.publish(this.clock.nowMs())
    this.#isPublishing = false
    const isSettled = this.publisher.isInSync && !this.#isChanged
    this.#alarm.wakeBy(isSettled ? this.publisher.renewAtMs : this.clock.nowMs() + PUBLISH_MS)
  }
}
