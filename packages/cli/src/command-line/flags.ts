// Owns the mapping between option tables and commander flags. Values are not parsed here: core's parseOptions
// does that, so a flag and its TANDEM_* variable are refused with the same words.
import { Option } from 'commander'
import type { Command } from 'commander'
import { flagName, variableName } from '@tandem/core'
import type { OptionSpec, OptionTable } from '@tandem/core'

export interface FlagSettings {
  /** Heading in --help. */
  readonly group?: string
  /** False where the command reads no TANDEM_* variable for them. */
  readonly variables?: boolean
}

export function addFlags (command: Command, table: OptionTable, settings: FlagSettings = {}): void {
  for (const [key, spec] of Object.entries(table)) {
    for (const option of flagsOf(key, spec, settings.variables !== false)) {
      if (settings.group !== undefined) option.helpGroup(settings.group)
      command.addOption(option)
    }
  }
}

/** Values given on the command line, by key; defaults and variables are parseOptions' business. */
export function givenFlags (command: Command, table: OptionTable): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const key of Object.keys(table)) {
    if (command.getOptionValueSource(key) === 'cli') given[key] = command.getOptionValue(key)
  }
  return given
}

function flagsOf (key: string, spec: OptionSpec, variables: boolean): Option[] {
  if (spec.type !== 'boolean') {
    return [new Option(`${flagName(key)} <${placeholder(key, spec)}>`, describe(key, spec, variables))]
  }
  const positive = new Option(flagName(key), describe(key, spec, variables))
  if (spec.default !== true) return [positive]
  return [positive, new Option(flagName(key).replace('--', '--no-'), `turns ${flagName(key)} off`)]
}

function placeholder (key: string, spec: OptionSpec): string {
  if (spec.type === 'string' && spec.choices) return 'choice'
  if (spec.type === 'integer' || spec.type === 'number') return 'n'
  return key.replace(/^.*(?=[A-Z])/, '').toLowerCase()
}

function describe (key: string, spec: OptionSpec, variables: boolean): string {
  const facts: string[] = []
  if (spec.type === 'string' && spec.choices) facts.push(spec.choices.join('|'))
  if (spec.default !== undefined && spec.default !== '' && spec.default !== false) facts.push(`default ${String(spec.default)}`)
  if (variables) facts.push(variableName(key))
  return facts.length === 0 ? spec.description : `${spec.description} (${facts.join(', ')})`
}
