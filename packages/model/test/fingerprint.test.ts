import { rename } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { openModel } from '../src/open-model.js'
import { hfFiles, tensorsOf } from './support/checkpoints.js'
import { goldenCheckpoint } from './support/golden.js'
import { temporaryDirectory } from './support/temporary-directory.js'

it('is the same wherever the checkpoint lies, and another for another config or tensor table', async () => {
  const golden = goldenCheckpoint('llama')
  const tensors = tensorsOf(golden)
  const fingerprintOf = async (files: Record<string, unknown>): Promise<string> => (await openModel(await temporaryDirectory(files))).fingerprint
  const first = await fingerprintOf(hfFiles(golden.config, tensors))
  expect(first).toMatch(/^[0-9a-f]{64}$/)
  expect(await fingerprintOf(hfFiles(golden.config, tensors))).toBe(first)

  expect(await fingerprintOf(hfFiles({ ...golden.config, rms_norm_eps: 1e-3 }, tensors))).not.toBe(first)
  const asF16 = Object.fromEntries(Object.entries(tensors).map(([name, spec]) => [name, { ...spec, dtype: 'F16' }]))
  expect(await fingerprintOf(hfFiles(golden.config, asF16))).not.toBe(first)
})

it('does not depend on the name of the directory', async () => {
  const golden = goldenCheckpoint('llama')
  const parent = await temporaryDirectory(hfFiles(golden.config, tensorsOf(golden)))
  const first = await openModel(parent)
  const moved = `${parent}-moved`
  await rename(parent, moved)
  const second = await openModel(moved)
  await rename(moved, parent)
  expect(second.fingerprint).toBe(first.fingerprint)
  expect(second.name).not.toBe(first.name)
  expect(second.path).toBe(moved)
})
