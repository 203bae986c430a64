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
    expect(() => { checkRegistration(registration('a', overrides), undefined, []) }).toThrow(message)
  })

  test('refuses an ffn worker nobody can dial', () => {
    expect(() => { checkRegistration({ ...ffnRegistration('f'), endpoints: [] }, undefined, []) }).toThrow('it offers no endpoint')
    expect(() => { checkRegistration({ ...ffnRegistration('f'), colocated: true }, undefined, []) }).toThrow('cannot be colocated')
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

describe('workers of a role compute alike, or a request that moves would get other tokens', () => {
  test('another compute dtype is refused while one is there', () => {
    const driver = new CoreDriver()
    driver.attention('a', { computeDtype: 'int8' })
    const other = registration('b', { computeDtype: 'bf16' })
    expect(() => driver.post({ type: 'workerRegistered', registration: other }))
      .toThrow('worker b computes in bf16, but the attention workers here compute in int8: start it with --compute-dtype int8')
    expect([...driver.core.books.attention.keys()]).toEqual(['a'])
    driver.lose('a')
    driver.attention('b', { computeDtype: 'bf16' })
    expect([...driver.core.books.attention.keys()]).toEqual(['b'])
  })

  test('another KV dtype is refused while one is there', () => {
    const driver = new CoreDriver()
    driver.attention('a', { computeDtype: 'int8', kvDtype: 'f16' })
    const other = registration('b', { computeDtype: 'int8', kvDtype: 'int8' })
    expect(() => driver.post({ type: 'workerRegistered', registration: other }))
      .toThrow('worker b keeps its KV cache in int8, but the attention workers here keep theirs in f16: start it with --kv-dtype f16')
    expect([...driver.core.books.attention.keys()]).toEqual(['a'])
  })

  test('the other role, and workers that do not round, may differ', () => {
    const driver = new CoreDriver()
    driver.attention('a', { computeDtype: 'int8', kvDtype: 'f16' })
    driver.attention('b', { computeDtype: '', kvDtype: 'f32' })
    driver.post({ type: 'workerRegistered', registration: { ...ffnRegistration('f'), computeDtype: 'bf16' } })
    expect([...driver.core.ffn.workers.keys()]).toEqual(['f'])
    expect(() => driver.post({ type: 'workerRegistered', registration: { ...ffnRegistration('g'), computeDtype: 'int8' } }))
      .toThrow('but the ffn workers here compute in bf16')
  })
})
