import { expect, test } from 'vitest'
import { describeWorkers } from '../../src/servers/tandem-cluster.js'
import type { ClusterWorker } from '../../src/servers/tandem-cluster.js'

function worker (role: 'attention' | 'ffn', fields: Partial<ClusterWorker> = {}): ClusterWorker {
  return {
    worker_id: role, role, backend: 'cpu', backend_reason: 'addon built', pid: 1, kv_cache_bytes: 0, kv_dtype: role === 'ffn' ? '' : 'f16', colocated: false, ...fields
  }
}

test('a cluster is described by its topology and backends', () => {
  expect(describeWorkers([worker('attention'), worker('attention'), worker('ffn')])).toEqual({
    topology: '2A1F', backend: 'cpu', backendReason: 'addon built', kvDtype: 'f16'
  })
  expect(describeWorkers([worker('attention'), worker('ffn', { backend: 'reference' })])['backend']).toBe('cpu, reference')
  expect(describeWorkers([worker('attention', { colocated: true })])['topology']).toBe('1 colocated')
})
