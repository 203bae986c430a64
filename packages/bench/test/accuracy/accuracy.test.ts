import { expect, test } from 'vitest'
import { runAccuracy } from '../../src/accuracy/accuracy.js'
import { benchContext } from '../support/bench-context.js'

test('the reference backend agrees with float32', async () => {
  const context = benchContext()
  expect(await runAccuracy({ backend: 'reference', positions: 8 }, context)).toBe(0)
  expect(context.terminal.stdout()).toMatch(/^8 +100\.00% +0\.000/m)
})
