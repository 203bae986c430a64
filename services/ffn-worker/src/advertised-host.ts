// Owns which host name an FFN worker gives to those that dial it.
import { hostname } from 'node:os'

export function advertisedHost (host: string, advertiseHost: string): string {
  if (advertiseHost !== '') return advertiseHost
  return host === '0.0.0.0' || host === '::' ? hostname() : host
}
