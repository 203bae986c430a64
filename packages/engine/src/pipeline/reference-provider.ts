// Owns the reference backend's entry in the factory.
import { makeError } from '@tandem/core'
import { engineErrors } from '../errors.js'
import type { EngineProvider } from '../provider.js'
import { createReferenceAttentionBackend } from '../reference/attention-backend.js'
import { createReferenceFfnBackend } from '../reference/ffn-backend.js'
import { pipelinedAttentionEngine, pipelinedFfnEngine } from './pipelined-engines.js'

export const referenceProvider: EngineProvider = {
  backend: 'reference',
  kvDtypes: ['f32'],
  probe: () => ({ isAvailable: true, reason: 'TypeScript, float32' }),
  async createAttentionEngine (options, context) {
    const { model, kvBlocks, blockSize, kvDtype, maxModelLen, onProgress } = options
    if (kvDtype !== 'auto' && kvDtype !== 'f32') {
      throw makeError(engineErrors, 'kv_dtype_unsupported', { backend: 'reference', supported: 'f32', kvDtype })
    }
    const backend = await createReferenceAttentionBackend(model, {
      numBlocks: kvBlocks, blockSize, maxModelLen, ...(onProgress === undefined ? {} : { onProgress })
    })
    return pipelinedAttentionEngine(backend, 'reference', 'f32', options, context)
  },
  async createFfnEngine (options, context) {
    return await pipelinedFfnEngine(await createReferenceFfnBackend(options.model), 'reference', options, context)
  }
}
