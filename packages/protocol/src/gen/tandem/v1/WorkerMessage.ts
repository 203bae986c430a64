// Original file: proto/tandem/v1/worker.proto

import type { RegisterWorker as _tandem_v1_RegisterWorker, RegisterWorker__Output as _tandem_v1_RegisterWorker__Output } from '../../tandem/v1/RegisterWorker.js';
import type { Heartbeat as _tandem_v1_Heartbeat, Heartbeat__Output as _tandem_v1_Heartbeat__Output } from '../../tandem/v1/Heartbeat.js';
import type { AssignmentReady as _tandem_v1_AssignmentReady, AssignmentReady__Output as _tandem_v1_AssignmentReady__Output } from '../../tandem/v1/AssignmentReady.js';
import type { TopologyReady as _tandem_v1_TopologyReady, TopologyReady__Output as _tandem_v1_TopologyReady__Output } from '../../tandem/v1/TopologyReady.js';
import type { PeerDown as _tandem_v1_PeerDown, PeerDown__Output as _tandem_v1_PeerDown__Output } from '../../tandem/v1/PeerDown.js';
import type { StepResult as _tandem_v1_StepResult, StepResult__Output as _tandem_v1_StepResult__Output } from '../../tandem/v1/StepResult.js';
import type { DrainRequested as _tandem_v1_DrainRequested, DrainRequested__Output as _tandem_v1_DrainRequested__Output } from '../../tandem/v1/DrainRequested.js';

export interface WorkerMessage {
  'register'?: (_tandem_v1_RegisterWorker | null);
  'heartbeat'?: (_tandem_v1_Heartbeat | null);
  'assignmentReady'?: (_tandem_v1_AssignmentReady | null);
  'topologyReady'?: (_tandem_v1_TopologyReady | null);
  'peerDown'?: (_tandem_v1_PeerDown | null);
  'stepResult'?: (_tandem_v1_StepResult | null);
  'drainRequested'?: (_tandem_v1_DrainRequested | null);
  'message'?: "register"|"heartbeat"|"assignmentReady"|"topologyReady"|"peerDown"|"stepResult"|"drainRequested";
}

export interface WorkerMessage__Output {
  'register'?: (_tandem_v1_RegisterWorker__Output | null);
  'heartbeat'?: (_tandem_v1_Heartbeat__Output | null);
  'assignmentReady'?: (_tandem_v1_AssignmentReady__Output | null);
  'topologyReady'?: (_tandem_v1_TopologyReady__Output | null);
  'peerDown'?: (_tandem_v1_PeerDown__Output | null);
  'stepResult'?: (_tandem_v1_StepResult__Output | null);
  'drainRequested'?: (_tandem_v1_DrainRequested__Output | null);
  'message'?: "register"|"heartbeat"|"assignmentReady"|"topologyReady"|"peerDown"|"stepResult"|"drainRequested";
}
