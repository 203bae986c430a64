import { expect, test } from 'vitest'
import { describeSurroundings, instructionSets, surroundingsText } from '../src/machine.js'

test('instruction sets are those that choose a kernel, on x86 and on ARM', () => {
  const x86 = 'processor\t: 0\nflags\t\t: fpu sse2 avx2 fma avx512f avx512_vnni\n\nprocessor\t: 1\nflags\t\t: fpu\n'
  expect(instructionSets(x86)).toEqual(['avx2', 'fma', 'avx512f', 'avx512_vnni'])
  expect(instructionSets('Features\t: fp asimd asimddp i8mm\n')).toEqual(['asimd', 'asimddp', 'i8mm'])
  expect(instructionSets('')).toEqual([])
})

test('a busy machine is said to be busy', () => {
  const surroundings = describeSurroundings()
  expect(surroundingsText({ ...surroundings, loadAverage: 0.1 })).not.toContain('busy')
  expect(surroundingsText({ ...surroundings, loadAverage: 2 })).toContain('busy before (load 2.0)')
  expect(surroundingsText({ ...surroundings, commit: 'abc123' })).toContain('commit abc123')
})
