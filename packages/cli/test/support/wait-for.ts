// Owns waiting for a state that another process brings about.
import { setTimeout as delay } from 'node:timers/promises'

/** Polls until `condition` holds; fails after `timeoutMs`, which only a broken test reaches. */
export async function waitFor (condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`still not so after ${timeoutMs} ms: ${condition.toString()}`)
    await delay(10)
  }
}
