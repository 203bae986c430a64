export { SchedulerCore } from './scheduler-core.js'
export type { CoreAction, CoreEvent, GenerateRequest, RequestEvent, ServingState, StepPlan, WorkerRegistration } from './types.js'
