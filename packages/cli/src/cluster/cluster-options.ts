// Owns the options that name a running cluster.
import { defineOptions } from '@tandem/core'

export const clusterOptions = defineOptions({
  schedulerAddress: { type: 'string', description: 'host:port of the scheduler; the cluster `tandem up` runs on this machine if not given' },
  port: { type: 'integer', description: 'HTTP port of the cluster meant, when several run on this machine', min: 1, max: 65535 },
  clusterToken: { type: 'string', description: 'token of the cluster, where it has one', default: '', secret: true }
})
