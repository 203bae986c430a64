import { describe, expect, test } from 'vitest'
import { changeTargets, surplus } from '../../src/core/scale.js'
import { CoreDriver } from '../support/core-driver.js'

describe('changeTargets', () => {
  test('changes what is named and keeps the rest', () => {
    expect(changeTargets({ attention: 1, ffn: 2 }, { attention: 3 })).toEqual({ attention: 3, ffn: 2 })
    expect(changeTargets({ attention: 1, ffn: 0 }, { ffn: 0 })).toEqual({ attention: 1, ffn: 0 })
  })

  test.each([[{ attention: 0 }, 'attention'], [{ ffn: 0 }, 'ffn'], [{ ffn: 1.5 }, 'ffn'], [{ attention: 1000 }, 'attention']])(
    '%j is refused and named', (change, param) => {
      expect(() => changeTargets({ attention: 1, ffn: 1 }, change)).toThrow(`${param} must be a whole number from 1 to 256`)
    })
})

test('what the launcher has use for binds, unless forced', () => {
  const driver = new CoreDriver()
  driver.post({ type: 'launcherAttached', attention: 1, ffn: 1, maxWorkersPerRole: 8 })
  expect(() => driver.post({ type: 'setScale', ffn: 9 })).toThrow('ffn=9 is more than this machine has use for (8 workers of a role)')
  expect(() => driver.post({ type: 'setScale', ffn: 257, force: true })).toThrow('ffn must be a whole number from 1 to 256')
  expect(driver.post({ type: 'setScale', ffn: 8 })).toEqual([{ type: 'scale', attention: 1, ffn: 8 }])
  expect(driver.post({ type: 'setScale', ffn: 20, force: true })).toEqual([{ type: 'scale', attention: 1, ffn: 20 }])
  // Only what is asked for is judged.
  expect(driver.post({ type: 'setScale', attention: 2, force: false })).toEqual([{ type: 'scale', attention: 2, ffn: 20 }])
  driver.post({ type: 'launcherDetached' })
  driver.post({ type: 'launcherAttached', attention: 1, ffn: 1 })
  expect(driver.post({ type: 'setScale', ffn: 100 })).toEqual([{ type: 'scale', attention: 1, ffn: 100 }])
})

test('surplus are the workers that joined last and do not drain already', () => {
  const workers = [{ id: 1, isDraining: false }, { id: 2, isDraining: true }, { id: 3, isDraining: false }, { id: 4, isDraining: false }]
  expect(surplus(workers, 1).map(({ id }) => id)).toEqual([3, 4])
  expect(surplus(workers, 5)).toEqual([])
})

describe('setScale', () => {
  test('needs a launcher, of which there is one', () => {
    const driver = new CoreDriver()
    expect(() => driver.post({ type: 'setScale', attention: 2 })).toThrow('no launcher is attached')
    driver.post({ type: 'launcherAttached', attention: 1, ffn: 1 })
    expect(() => driver.post({ type: 'launcherAttached', attention: 1, ffn: 1 })).toThrow('another launcher')
    expect(driver.post({ type: 'setScale', attention: 2 })).toEqual([{ type: 'scale', attention: 2, ffn: 1 }])
    driver.post({ type: 'launcherDetached' })
    expect(() => driver.post({ type: 'setScale', attention: 2 })).toThrow('no launcher is attached')
  })

  test('surplus workers of both roles are drained, the newest first', () => {
    const driver = new CoreDriver()
    driver.post({ type: 'launcherAttached', attention: 2, ffn: 2 })
    for (const workerId of ['a1', 'a2']) driver.attention(workerId)
    for (const workerId of ['f1', 'f2']) driver.ffn(workerId)
    const actions = driver.post({ type: 'setScale', attention: 1, ffn: 1 })
    expect(actions).toContainEqual({ type: 'scale', attention: 1, ffn: 1 })
    expect(actions).toContainEqual({ type: 'drained', workerId: 'a2' })
    expect(driver.core.ffn.workers.get('f2')!.isDraining).toBe(true)
    expect(driver.core.books.attention.get('a1')!.isDraining).toBe(false)
  })
})
