// Owns the checks between the gateway's options.
import { flagName, makeError, optionErrors } from '@tandem/core'
import { isLoopbackHost } from '@tandem/protocol'
import { gatewayErrors } from './errors.js'
import { gatewayOptions } from './options.js'
import type { GatewayOptions } from './options.js'

/** Throws `option_missing`. */
export function requireModel ({ model }: GatewayOptions): string {
  if (model !== undefined && model !== '') return model
  throw makeError(optionErrors, 'option_missing', { source: flagName('model'), description: gatewayOptions.model.description })
}

/** Throws `api_key_required` for a listener that others could use without a key. */
export function requireKeyUnlessLoopback ({ host, apiKey, allowUnauthenticated }: GatewayOptions): void {
  if (apiKey === '' && !allowUnauthenticated && !isLoopbackHost(host)) throw makeError(gatewayErrors, 'api_key_required', { host })
}
