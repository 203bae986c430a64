export { extendBlockHashes, rootHash } from './block-hash.js'
export type { BlockHash } from './block-hash.js'
export { BlockManager } from './block-manager.js'
export type { Allocation, BlockManagerOptions, CacheChanges } from './block-manager.js'
