// Owns `tandem gateway|scheduler|attention-worker|ffn-worker`: checks the flags, then becomes the service's main.js.
import { pathToFileURL } from 'node:url'
import { parseOptions, variableName } from '@tandem/core'
import type { OptionTable } from '@tandem/core'
import { serviceEntry } from '../services.js'
import type { ServiceName } from '../services.js'
import type { CommandContext, ExitCode } from './command.js'

/** The service reads the environment itself, so flags become variables of this process. */
export async function runService (
  name: ServiceName, table: OptionTable, flags: Readonly<Record<string, unknown>>, context: CommandContext
): Promise<ExitCode> {
  parseOptions(table, { flags, env: context.env })
  for (const [key, value] of Object.entries(flags)) process.env[variableName(key)] = String(value)
  await import(pathToFileURL(serviceEntry(name)).href)
  return 0
}
