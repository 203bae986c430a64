// Owns how a service's options are declared once and read from flags and TANDEM_* variables.
// `main.ts` of a service is the only caller that passes process.env; nothing here reads it.
import { defineErrors, makeError } from './errors.js'

export const optionErrors = defineErrors({
  option_invalid: { message: '{source}: {reason} (got {value})', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  option_unknown: { message: 'unknown option {name}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false },
  option_missing: { message: '{source} is required: {description}', grpc: 'INVALID_ARGUMENT', http: 400, retryable: false }
})

interface OptionBase {
  /** One line for --help and the configuration page; states the unit. */
  readonly description: string
  /** Hidden from logs and `status`. */
  readonly secret?: boolean
}
/** What a text must match, and how that reads after "must be". */
export interface OptionPattern { readonly regExp: RegExp, readonly meaning: string }
export interface StringOption extends OptionBase { readonly type: 'string', readonly default?: string, readonly choices?: readonly string[], readonly pattern?: OptionPattern }
export interface IntegerOption extends OptionBase { readonly type: 'integer', readonly default?: number, readonly min?: number, readonly max?: number }
export interface NumberOption extends OptionBase { readonly type: 'number', readonly default?: number, readonly min?: number, readonly max?: number }
export interface BooleanOption extends OptionBase { readonly type: 'boolean', readonly default?: boolean }
export type OptionSpec = StringOption | IntegerOption | NumberOption | BooleanOption

/** Keys are camelCase: `maxNumSeqs` is the flag `--max-num-seqs` and the variable `TANDEM_MAX_NUM_SEQS`. */
export type OptionTable = Readonly<Record<string, OptionSpec>>

type ValueOf<S extends OptionSpec> =
  S extends { type: 'string', choices: readonly (infer C)[] } ? C
    : S extends { type: 'string' } ? string
      : S extends { type: 'boolean' } ? boolean
        : number
export type OptionsOf<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends { default: unknown } ? ValueOf<T[K]> : ValueOf<T[K]> | undefined
}

export function defineOptions<const T extends OptionTable> (table: T): T { return Object.freeze(table) }

export function flagName (key: string): string {
  return '--' + key.replace(/[A-Z]/g, letter => '-' + letter.toLowerCase())
}

export function variableName (key: string): string {
  return 'TANDEM_' + key.replace(/[A-Z]/g, letter => '_' + letter).toUpperCase()
}

export interface RawOptions {
  /** Values by camelCase key, as the flag parser gives them; they win over variables. */
  readonly flags?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Parses flags, then variables, then defaults into a frozen object; throws `option_invalid` naming the source. */
export function parseOptions<const T extends OptionTable> (table: T, raw: RawOptions): OptionsOf<T> {
  const parsed: Record<string, unknown> = {}
  for (const [key, spec] of Object.entries(table)) {
    const flag = raw.flags?.[key]
    const variable = raw.env?.[variableName(key)]
    if (flag !== undefined) parsed[key] = parseValue(flagName(key), spec, flag)
    else if (variable !== undefined && variable !== '') parsed[key] = parseValue(variableName(key), spec, variable)
    else parsed[key] = spec.default
  }
  return Object.freeze(parsed) as OptionsOf<T>
}

function parseValue (source: string, spec: OptionSpec, value: unknown): unknown {
  const refuse = (reason: string): never => {
    throw makeError(optionErrors, 'option_invalid', { source, reason, value: spec.secret === true ? '***' : String(value) })
  }
  if (spec.type === 'boolean') return parseBoolean(value, refuse)
  if (spec.type === 'string') {
    const text = String(value)
    if (spec.choices && !spec.choices.includes(text)) refuse(`must be one of ${spec.choices.join(', ')}`)
    if (spec.pattern && !spec.pattern.regExp.test(text)) refuse(`must be ${spec.pattern.meaning}`)
    return text
  }
  const number = typeof value === 'number' ? value : Number(String(value).trim() === '' ? NaN : value)
  if (!Number.isFinite(number)) refuse('must be a number')
  if (spec.type === 'integer' && !Number.isInteger(number)) refuse('must be a whole number')
  if (spec.min !== undefined && number < spec.min) refuse(`must be at least ${spec.min}`)
  if (spec.max !== undefined && number > spec.max) refuse(`must be at most ${spec.max}`)
  return number
}

function parseBoolean (value: unknown, refuse: (reason: string) => never): boolean {
  if (typeof value === 'boolean') return value
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  return refuse('must be true or false')
}
