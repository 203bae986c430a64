import { describe, expect, test } from 'vitest'
import { checkRegistration } from '../../src/core/registration.js'
import { CoreDriver, ffnRegistration, registration } from '../support/core-driver.js'

describe('checkRegistration', () => {
  test.each([
    [{ workerId: '' }, 'worker (unnamed) cannot register: worker_id is empty'],
    [{ numKvBlocks: 0 }, 'num_kv_blocks must be at least 1'],
    [{ blockSize: 0 }, 'block_size must be at least 1'],
    [{ maxModelLen: 1 }, 'max_model_len must be at least 2']
  ])('refuses an attention worker with %j', (overrides, message) => {
    expect(() => { checkRegistration(registration('a', overrides), undefined) }).toThrow(message)
  })

  test('refuses an ffn worker nobody can dial', () => {
    expect(() => { checkRegistration({ ...ffnRegistration('f'), endpoints: [] }, undefined) }).toThrow('it offers no endpoint')
    expect(() => { checkRegistration({ ...ffnRegistration('f'), colocated: true }, undefined) }).toThrow('cannot be colocated')
  })
})

test('the first worker sets the model; when all have left, another model may come', () => {
  const driver = new CoreDriver()
  driver.attention('a')
  const other = registration('b', { modelName: 'other', modelFingerprint: 'beef' })
  expect(() => driver.post({ type: 'workerRegistered', registration: other })).toThrow('worker b serves model other (fingerprint beef)')
  expect([...driver.core.books.attention.keys()]).toEqual(['a'])
  driver.lose('a')
  driver.attention('b', { modelName: 'other', modelFingerprint: 'beef' })
  expect(driver.core.servingState).toMatchObject({ ready: true, modelName: 'other' })
})
