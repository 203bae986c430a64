import { expect, it } from 'vitest'
import type { FfnSplit } from '@tandem/core'
import { Assignments } from '../../src/pipeline/assignments.js'

function assignment (epoch: number, start: number, end: number, split: FfnSplit = 'ep') {
  return { epoch, instanceIdx: 0, rank: 0, size: 1, split, shards: { start, end } }
}

it('serves several epochs and needs the leaves of all of them', () => {
  const assignments = new Assignments()
  expect(assignments.needed()).toEqual([])
  assignments.add(assignment(3, 0, 4))
  assignments.add(assignment(4, 2, 6))
  expect(assignments.get(3)?.shards.end).toBe(4)
  expect(assignments.get(5)).toBeUndefined()
  expect(assignments.needed()).toEqual([{ shards: { start: 0, end: 4 }, split: 'ep' }, { shards: { start: 2, end: 6 }, split: 'ep' }])
  assignments.retire(4)
  expect(assignments.epochs).toEqual([4])
  expect(assignments.needed()).toEqual([{ shards: { start: 2, end: 6 }, split: 'ep' }])
})

it('retires what was assigned before, when a new scheduler counts from the beginning', () => {
  const assignments = new Assignments()
  for (const epoch of [8, 9, 1, 2]) assignments.add(assignment(epoch, 0, 1))
  assignments.retire(2)
  expect(assignments.epochs).toEqual([2])
})

it('replaces an epoch that is assigned again', () => {
  const assignments = new Assignments()
  for (const [epoch, end] of [[1, 4], [2, 4], [1, 2]] as const) assignments.add(assignment(epoch, 0, end))
  expect(assignments.get(1)?.shards.end).toBe(2)
  assignments.retire(1)
  expect(assignments.epochs).toEqual([1])
})

it('needs the leaves of both splits while two are served', () => {
  const assignments = new Assignments()
  assignments.add(assignment(1, 0, 4, 'ep'))
  assignments.add(assignment(2, 0, 4, 'tp'))
  expect(assignments.needed().map(({ split }) => split)).toEqual(['ep', 'tp'])
  assignments.retire(2)
  expect(assignments.needed()).toEqual([{ shards: { start: 0, end: 4 }, split: 'tp' }])
})
