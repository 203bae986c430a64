import { describe, expect, it } from 'vitest'
import { openSafetensors } from '../../src/safetensors/open-safetensors.js'
import { encodeSafetensors } from '../support/safetensors-file.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

describe('openSafetensors', () => {
  const bytes = encodeSafetensors({ a: { dtype: 'F32', shape: [2] } })

  it('takes model.safetensors, or the only other file', async () => {
    for (const files of [{ 'model.safetensors': bytes, 'other.safetensors': bytes }, { 'other.safetensors': bytes }]) {
      const tensors = await openSafetensors(await temporaryDirectory(files), Object.keys(files))
      expect([...tensors.keys()]).toEqual(['a'])
    }
  })

  it('refuses to guess between several', async () => {
    const files = { 'a.safetensors': bytes, 'b.safetensors': bytes }
    await expect(openSafetensors(await temporaryDirectory(files), Object.keys(files))).rejects.toMatchObject({ code: 'model_format_unknown' })
  })

  it('refuses an index that is not JSON, or not text', async () => {
    for (const content of [Buffer.from('{'), Buffer.from([0xff, 0xfe]), Buffer.from('[]')]) {
      const files = { 'model.safetensors.index.json': content }
      await expect(openSafetensors(await temporaryDirectory(files), Object.keys(files))).rejects.toMatchObject({ code: 'model_header_invalid' })
    }
  })
})
