export { ffnWorkerOptions } from './options.js'
export type { FfnWorkerOptions } from './options.js'
export { startFfnWorker } from './worker.js'
export type { FfnWorkerDependencies } from './worker.js'
