// Owns the names a worker gives itself.
import { createHash, randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { WorkerRole } from '@tandem/core'

/** `attention-host-1a2b3c`: unique, and readable in `tandem status`. */
export function newWorkerId (role: WorkerRole): string {
  return `${role}-${hostname().slice(0, 32)}-${randomBytes(3).toString('hex')}`
}

/** The 32-bit number that frames carry. Engines are built before the worker registers, so it is derived from the id. */
export function workerNumberOf (workerId: string): number {
  return createHash('sha256').update(workerId).digest().readUInt32LE(0)
}
