export { assert, defineErrors, InvariantError, isTandemError, makeError, TandemError } from './errors.js'
export type { ErrorDefinition, ErrorFacts, ErrorRegistry, GrpcStatus } from './errors.js'
export { defineOptions, flagName, optionErrors, parseOptions, variableName } from './options.js'
export type { OptionSpec, OptionsOf, OptionTable, RawOptions } from './options.js'
export { greedySampling } from './sampling-params.js'
export type { FinishReason, SamplingParams, TokenLogprob, TokenLogprobs } from './sampling-params.js'
export { intermediateSlice, leavesUnder, NUM_VIRTUAL_SHARDS, shardRangeOf, subtreeRoots, unitsOfShard } from './virtual-shards.js'
export type { FfnSplit, ShardRange } from './virtual-shards.js'
export type {
  ActivationDtype, ConnectorKind, FfnAssignment, FfnEndpoint, FfnInstance, FfnMember, FfnTopology, WorkerRole
} from './topology.js'
export { withResolvers } from './with-resolvers.js'
export type { PromiseWithResolvers } from './with-resolvers.js'
