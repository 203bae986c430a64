// Owns the wanted numbers of workers and who is surplus: a launcher starts and stops processes, the
// scheduler empties those that have to go.
import { schedulerError } from '../errors.js'

export interface ScaleTargets {
  readonly attention: number
  readonly ffn: number
}

/** More processes than one launcher's machine can hold are a typing error. */
const MAX_WORKERS = 256

/**
 * Checks a change of the targets; throws `scale_invalid` or `scale_too_large` naming the field. An ffn target of 0 is for colocated
 * workers only. `maxWorkersPerRole` is what the launcher's machine has use for.
 */
export function changeTargets (targets: ScaleTargets, change: Partial<ScaleTargets>, maxWorkersPerRole = MAX_WORKERS): ScaleTargets {
  const minFfn = targets.ffn === 0 ? 0 : 1
  const checked = (param: string, value: number, min: number): number => {
    if (!Number.isInteger(value) || value < min || value > MAX_WORKERS) {
      throw schedulerError('scale_invalid', { param, min, max: MAX_WORKERS })
    }
    if (value > maxWorkersPerRole) throw schedulerError('scale_too_large', { param, value, max: maxWorkersPerRole })
    return value
  }
  return {
    attention: change.attention === undefined ? targets.attention : checked('attention', change.attention, 1),
    ffn: change.ffn === undefined ? targets.ffn : checked('ffn', change.ffn, minFfn)
  }
}

/** The workers that joined last, as many as there are above `target`. */
export function surplus<T extends { readonly isDraining: boolean }> (workers: Iterable<T>, target: number): T[] {
  return [...workers].filter(worker => !worker.isDraining).slice(target)
}
