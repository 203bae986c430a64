import { beforeEach, describe, expect, it } from 'vitest'
import { appendSampledToken, SequenceTable } from '../../src/pipeline/sequence-table.js'
import { Sequence } from '../../src/pipeline/sequence.js'
import type { ScheduledSequence, StepPlan } from '../../src/types.js'
import { newSequence } from './support/cluster.js'

let table: SequenceTable
beforeEach(() => { table = new SequenceTable({ blockSize: 4, numBlocks: 10, maxModelLen: 20, vocabSize: 48 }) })

function plan (changes: Partial<StepPlan>): StepPlan {
  return { stepId: 1, removedSeqIds: [], newSequences: [], scheduled: [], ffnInstanceOfUbatch: [], ...changes }
}

function line (changes: Partial<ScheduledSequence> = {}): ScheduledSequence {
  return { seqId: 1, numComputedTokens: 0, numScheduledTokens: 5, ubatchIdx: 0, newBlockIds: [3, 7], ...changes }
}

const created = newSequence(1, [1, 2, 3, 4, 5], 8)
const firstPlan = plan({ newSequences: [created], scheduled: [line()] })

describe('SequenceTable', () => {
  it('gives rows with tokens, positions and blocks, and samples at the last known token', () => {
    const { rows } = table.apply(firstPlan)
    expect(rows).toMatchObject([{ startPosition: 0, numTokens: 5, isSampled: true, ubatchIdx: 0 }])
    expect([...rows[0]!.sequence.tokenIds]).toEqual([1, 2, 3, 4, 5])
    expect([...rows[0]!.sequence.blockTable]).toEqual([3, 7])
  })

  it('does not sample in the middle of a prompt', () => {
    expect(table.apply(plan({ newSequences: [created], scheduled: [line({ numScheduledTokens: 4 })] })).rows[0]!.isSampled).toBe(false)
  })

  it('takes the start of a cached prefix as computed', () => {
    const { rows } = table.apply(plan({ newSequences: [created], scheduled: [line({ numComputedTokens: 4, numScheduledTokens: 1 })] }))
    expect(rows).toMatchObject([{ startPosition: 4, numTokens: 1, isSampled: true }])
  })

  it('continues where the last step ended, or before', () => {
    table.apply(firstPlan).commit()
    const next = line({ numComputedTokens: 5, numScheduledTokens: 1, newBlockIds: [] })
    expect(() => table.apply(plan({ scheduled: [next] }))).toThrow('has 5 tokens, position 5 is scheduled')
    const { rows } = table.apply(plan({ scheduled: [line({ numComputedTokens: 4, numScheduledTokens: 1, newBlockIds: [] })] }))
    appendSampledToken(rows[0]!.sequence, 9, 20)
    expect(table.apply(plan({ scheduled: [next] })).rows).toMatchObject([{ startPosition: 5, isSampled: true }])
  })

  it.each<[string, Partial<StepPlan>]>([
    ['sequence 2 is unknown', { scheduled: [line({ seqId: 2 })] }],
    ['scheduled twice', { newSequences: [created], scheduled: [line(), line()] }],
    ['is scheduled for 0 tokens', { newSequences: [created], scheduled: [line({ numScheduledTokens: 0 })] }],
    ['has no KV block for position 4', { newSequences: [created], scheduled: [line({ newBlockIds: [3] })] }],
    ['KV block 10 does not exist', { newSequences: [created], scheduled: [line({ newBlockIds: [3, 10] })] }],
    ['beyond 20 tokens', {
      newSequences: [newSequence(1, new Array<number>(21).fill(1), 1)],
      scheduled: [line({ numScheduledTokens: 21, newBlockIds: [0, 1, 2, 3, 4, 5] })]
    }],
    ['outside the vocabulary', { newSequences: [newSequence(1, [48], 1)] }]
  ])('refuses a plan in which: %s', (reason, changes) => {
    expect(() => table.apply(plan(changes))).toThrow(expect.objectContaining({ code: 'plan_invalid', message: expect.stringContaining(reason) }))
    expect(table.size).toBe(0)
  })

  it('refuses positions whose predecessors were never computed', () => {
    table.apply(plan({ newSequences: [created], scheduled: [line({ numScheduledTokens: 2 })] })).commit()
    expect(() => table.apply(plan({ scheduled: [line({ numComputedTokens: 4, numScheduledTokens: 1, newBlockIds: [] })] })))
      .toThrow('is computed up to 2, not 4')
  })

  it('rolls everything back: removals, additions, blocks', () => {
    table.apply(plan({ newSequences: [created], scheduled: [line({ numScheduledTokens: 4, newBlockIds: [3] })] })).commit()
    const second = plan({
      removedSeqIds: [1, 99],
      newSequences: [newSequence(1, [7, 7], 3), newSequence(2, [8], 3)],
      scheduled: [line({ numScheduledTokens: 2, newBlockIds: [8] })]
    })
    table.apply(second).rollBack()
    expect(table.size).toBe(1)
    const { rows } = table.apply(plan({ scheduled: [line({ numComputedTokens: 4, numScheduledTokens: 1, newBlockIds: [9] })] }))
    expect([...rows[0]!.sequence.blockTable]).toEqual([3, 9])
    expect(rows[0]!.sequence.numTokens).toBe(5)
  })

  it('changes nothing when a later line of the plan is wrong', () => {
    table.apply(firstPlan).commit()
    expect(() => table.apply(plan({ removedSeqIds: [1], newSequences: [newSequence(2, [1], 1)], scheduled: [line({ seqId: 3 })] }))).toThrow()
    expect(table.apply(plan({ scheduled: [line({ numComputedTokens: 4, numScheduledTokens: 1, newBlockIds: [] })] })).rows).toHaveLength(1)
    expect(() => table.apply(plan({ scheduled: [line({ seqId: 2 })] }))).toThrow('sequence 2 is unknown')
  })

  it('re-uses an id that was removed, also in the same plan', () => {
    table.apply(firstPlan).commit()
    const { rows } = table.apply(plan({
      removedSeqIds: [1], newSequences: [newSequence(1, [9], 2)], scheduled: [line({ numScheduledTokens: 1, newBlockIds: [2] })]
    }))
    expect([...rows[0]!.sequence.tokenIds]).toEqual([9])
    expect([...rows[0]!.sequence.blockTable]).toEqual([2])
  })

  it('skips sequences that ended by themselves', () => {
    const { rows, commit } = table.apply(firstPlan)
    commit()
    rows[0]!.sequence.isFinished = true
    expect(table.apply(plan({ scheduled: [line({ numComputedTokens: 5, numScheduledTokens: 1 })] })).rows).toEqual([])
  })
})

describe('the end of a sequence', () => {
  const sequence = (maxTokens: number, stopTokenIds: number[] = []): Sequence => new Sequence(newSequence(1, [1, 2], maxTokens, { stopTokenIds }))

  it('comes with a stop token, before length', () => {
    expect(appendSampledToken(sequence(1, [5, 6]), 6, 100)).toBe('stop')
    expect(appendSampledToken(sequence(2, [5]), 6, 100)).toBeUndefined()
  })

  it('comes after maxTokens, output of an earlier life included', () => {
    const resumed = new Sequence({ ...newSequence(1, [1, 2, 8, 9], 3), numPromptTokens: 2 })
    expect(appendSampledToken(resumed, 4, 100)).toBe('length')
    expect(() => appendSampledToken(resumed, 4, 100)).toThrow('already ended')
  })

  it('comes at the longest context', () => {
    expect(appendSampledToken(sequence(50), 4, 3)).toBe('length')
  })
})
