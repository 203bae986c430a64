// Original file: proto/tandem/v1/worker.proto

import type { RegisterAccepted as _tandem_v1_RegisterAccepted, RegisterAccepted__Output as _tandem_v1_RegisterAccepted__Output } from '../../tandem/v1/RegisterAccepted.js';
import type { FfnAssignment as _tandem_v1_FfnAssignment, FfnAssignment__Output as _tandem_v1_FfnAssignment__Output } from '../../tandem/v1/FfnAssignment.js';
import type { Retire as _tandem_v1_Retire, Retire__Output as _tandem_v1_Retire__Output } from '../../tandem/v1/Retire.js';
import type { FfnTopology as _tandem_v1_FfnTopology, FfnTopology__Output as _tandem_v1_FfnTopology__Output } from '../../tandem/v1/FfnTopology.js';
import type { StepPlan as _tandem_v1_StepPlan, StepPlan__Output as _tandem_v1_StepPlan__Output } from '../../tandem/v1/StepPlan.js';
import type { Drained as _tandem_v1_Drained, Drained__Output as _tandem_v1_Drained__Output } from '../../tandem/v1/Drained.js';

export interface WorkerCommand {
  'accepted'?: (_tandem_v1_RegisterAccepted | null);
  'assign'?: (_tandem_v1_FfnAssignment | null);
  'retire'?: (_tandem_v1_Retire | null);
  'topology'?: (_tandem_v1_FfnTopology | null);
  'step'?: (_tandem_v1_StepPlan | null);
  'drained'?: (_tandem_v1_Drained | null);
  'command'?: "accepted"|"assign"|"retire"|"topology"|"step"|"drained";
}

export interface WorkerCommand__Output {
  'accepted'?: (_tandem_v1_RegisterAccepted__Output | null);
  'assign'?: (_tandem_v1_FfnAssignment__Output | null);
  'retire'?: (_tandem_v1_Retire__Output | null);
  'topology'?: (_tandem_v1_FfnTopology__Output | null);
  'step'?: (_tandem_v1_StepPlan__Output | null);
  'drained'?: (_tandem_v1_Drained__Output | null);
  'command'?: "accepted"|"assign"|"retire"|"topology"|"step"|"drained";
}
