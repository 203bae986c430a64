// Many seeded runs of a whole cluster around the pure core: small pools, dying workers, failing steps, aborts,
// late results. Whatever happens, a request that was not aborted gets exactly the tokens of the model.
import { describe, expect, test } from 'vitest'
import { expectedOutput } from '../support/fake-model.js'
import { CoreDriver } from '../support/core-driver.js'
import type { RequestSpec } from '../support/core-driver.js'
import { seeded } from '../support/seeded.js'
import type { Seeded } from '../support/seeded.js'

interface Chances {
  readonly death: number
  readonly stepFailure: number
  readonly abort: number
  /** Of an ffn worker dying, draining or joining; undefined runs colocated attention workers without any. */
  readonly ffnChange?: number
}

/** Ffn workers come and go; assignments and topologies are answered late and in any order. */
function changeFfnPool (driver: CoreDriver, random: Seeded, chance: number): void {
  const { workers } = driver.core.ffn
  if (workers.size === 0 || (workers.size < 12 && random.chance(chance))) driver.ffn(`ffn-${driver.actions.length}`)
  if (random.chance(chance)) driver.lose(random.pick([...workers.keys()]))
  else if (random.chance(chance)) driver.post({ type: 'drain', workerId: random.pick([...workers.keys()]), requestedBy: 'worker' })
  for (const workerId of driver.drained.splice(0)) driver.lose(workerId)
  if (driver.answers.length > 0 && random.chance(0.5)) {
    const [answer] = driver.answers.splice(random.below(driver.answers.length), 1)
    driver.post(answer!)
  }
}

function randomRequest (random: Seeded, index: number): Required<Omit<RequestSpec, 'promptLogprobs' | 'outputTokenIds'>> & RequestSpec {
  // A small alphabet and a few shared heads make prefix hits common.
  const head = Array.from({ length: random.below(4) * 4 }, (_, position) => position % 3)
  const promptTokenIds = [...head, ...Array.from({ length: 1 + random.below(14) }, () => random.below(3))]
  return {
    requestId: `request-${index}`,
    promptTokenIds,
    maxTokens: 1 + random.below(20),
    seed: random.below(5),
    stopTokenIds: random.chance(0.5) ? [random.below(50)] : [],
    ...(random.chance(0.2) ? { promptLogprobs: 0 } : {})
  }
}

function simulate (seed: number, chances: Chances): { driver: CoreDriver, numRequests: number } {
  const random = seeded(seed)
  const driver = new CoreDriver({
    maxNumSeqs: 2 + random.below(6),
    maxNumBatchedTokens: 4 + random.below(20),
    numUbatches: 1 + random.below(4),
    stepRetryMs: 5,
    ffnInstanceSize: random.below(4)
  })
  let numWorkers = 0
  const join = (): void => {
    driver.attention(`attention-${++numWorkers}`, { numKvBlocks: 14 + random.below(12), blockSize: 4, maxModelLen: 48, colocated: chances.ffnChange === undefined },
      random.pick(['atomic', 'lenient', 'partial'] as const))
  }
  for (let count = 1 + random.below(3); count > 0; count--) join()
  const specs: RequestSpec[] = []
  const aborted = new Set<string>()
  const numRequests = 40
  for (let turn = 0; turn < 5000; turn++) {
    driver.nowMs += 1
    if (specs.length < numRequests && random.chance(0.3)) {
      const spec = randomRequest(random, specs.length)
      specs.push(spec)
      driver.generate(spec)
    }
    if (random.chance(chances.abort) && specs.length > 0) {
      const { requestId } = random.pick(specs)
      aborted.add(requestId)
      driver.abort(requestId)
    }
    if (chances.ffnChange !== undefined) changeFfnPool(driver, random, chances.ffnChange)
    if (random.chance(chances.death)) { driver.lose(random.pick([...driver.plans.keys()])); join() }
    const busy = [...driver.plans].filter(([, plans]) => plans.length > 0)
    if (busy.length > 0) driver.step(random.pick(busy)[0], random.chance(chances.stepFailure))
    else driver.tick(1)
    const isDone = specs.length === numRequests && specs.every(({ requestId }) => driver.result(requestId).finishReason !== undefined)
    if (isDone) break
  }
  for (const spec of specs) {
    const { tokenIds, finishReason, promptPositions } = driver.result(spec.requestId)
    const expected = expectedOutput(spec.promptTokenIds, spec.maxTokens!, spec.seed!, spec.stopTokenIds!)
    if (finishReason === 'FINISH_REASON_ABORT') {
      expect(aborted).toContain(spec.requestId)
      expect(tokenIds).toEqual(expected.tokenIds.slice(0, tokenIds.length))
      continue
    }
    expect({ requestId: spec.requestId, tokenIds, finishReason }).toEqual({ requestId: spec.requestId, ...expected })
    if (spec.promptLogprobs !== undefined) {
      expect(promptPositions).toEqual(Array.from({ length: spec.promptTokenIds.length - 1 }, (_, index) => index + 1))
    }
  }
  return { driver, numRequests }
}

function expectIdle (driver: CoreDriver): void {
  const { core } = driver
  driver.tick(1000)
  driver.runDry()
  for (const engine of driver.engines.values()) expect(engine.numSequences).toBe(0)
  expect(core.books.numRunning).toBe(0)
  expect(core.books.waiting.size).toBe(0)
  for (const { blocks } of core.books.attention.values()) expect(blocks.numFreeBlocks).toBe(blocks.numBlocks)
}

const seeds = Array.from({ length: 12 }, (_, index) => index + 1)

describe('simulation', () => {
  test.each(seeds)('seed %i: pools under pressure', seed => {
    const { driver, numRequests } = simulate(seed, { death: 0, stepFailure: 0, abort: 0 })
    expectIdle(driver)
    expect(driver.core.books.counters.numRequests).toBe(numRequests)
  })

  test.each(seeds)('seed %i: workers die, steps fail, clients leave', seed => {
    const { driver } = simulate(seed + 1000, { death: 0.01, stepFailure: 0.03, abort: 0.01 })
    expectIdle(driver)
  })

  test.each(seeds)('seed %i: the ffn pool changes all the time', seed => {
    const { driver } = simulate(seed + 2000, { death: 0.005, stepFailure: 0.02, abort: 0.005, ffnChange: 0.02 })
    expect(driver.core.ffn.epoch).toBeGreaterThan(3)
    for (const { blocks } of driver.core.books.attention.values()) expect(blocks.numFreeBlocks).toBe(blocks.numBlocks)
  })

  test('the seeds above exercise preemption, re-admission, prefix hits and every regular end', () => {
    const totals = { numPreemptions: 0, numReadmissions: 0, numFailedSteps: 0, numCachedTokens: 0, stop: 0, length: 0, abort: 0 }
    for (const seed of [1, 2, 3, 4]) {
      const { driver } = simulate(seed + 1000, { death: 0.01, stepFailure: 0.03, abort: 0.01 })
      const { counters } = driver.core.books
      totals.numPreemptions += counters.numPreemptions
      totals.numReadmissions += counters.numReadmissions
      totals.numFailedSteps += counters.numFailedSteps
      totals.numCachedTokens += counters.numCachedTokens
      totals.stop += counters.numFinished.stop
      totals.length += counters.numFinished.length
      totals.abort += counters.numFinished.abort
    }
    for (const [name, total] of Object.entries(totals)) expect(total, name).toBeGreaterThan(0)
  })
})
