// Owns the options about models on disk and of `tandem pull`.
import { defineOptions } from '@tandem/core'

export const modelsDirOption = defineOptions({
  modelsDir: { type: 'string', description: 'where `tandem pull` puts models; ~/.cache/tandem/models if not given' }
})

export const pullOptions = defineOptions({
  revision: { type: 'string', description: 'branch, tag or commit', default: 'main' },
  include: { type: 'string', description: 'which weights, where a repository has several: patterns with * and ?, separated by commas' }
})
