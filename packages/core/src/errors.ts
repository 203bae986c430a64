// Owns the shape of every error Tandem raises on purpose. Each package keeps one registry
// (`errors.ts`) made with `defineErrors`; a boundary translates a TandemError once, by its definition.

/** gRPC status names used by our registries (the numeric codes are grpc-js's). */
export type GrpcStatus =
  | 'INVALID_ARGUMENT' | 'NOT_FOUND' | 'ALREADY_EXISTS' | 'FAILED_PRECONDITION' | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE' | 'DEADLINE_EXCEEDED' | 'UNAUTHENTICATED' | 'ABORTED' | 'UNIMPLEMENTED' | 'INTERNAL' | 'DATA_LOSS'

/** One row of a registry. `message` is a template: `{name}` is replaced by `facts.name`. */
export interface ErrorDefinition {
  readonly message: string
  readonly grpc: GrpcStatus
  readonly http: number
  readonly retryable: boolean
}

export type ErrorFacts = Readonly<Record<string, string | number | boolean | undefined>>

export interface TandemErrorOptions {
  readonly cause?: unknown
}

/** An operating error: expected, typed, answerable. Broken invariants use `assert` instead. */
export class TandemError extends Error {
  override readonly name = 'TandemError'

  constructor (
    readonly code: string,
    readonly definition: ErrorDefinition,
    readonly facts: ErrorFacts = {},
    options: TandemErrorOptions = {}
  ) {
    super(formatMessage(definition.message, facts), options)
  }

  get httpStatus (): number { return this.definition.http }
  get grpcStatus (): GrpcStatus { return this.definition.grpc }
  get retryable (): boolean { return this.definition.retryable }
}

function formatMessage (template: string, facts: ErrorFacts): string {
  return template.replace(/\{(\w+)\}/g, (whole, key: string) => String(facts[key] ?? whole))
}

export type ErrorRegistry<Code extends string> = Readonly<Record<Code, ErrorDefinition>>

/** Types and freezes a registry; the keys are the codes, in snake_case. */
export function defineErrors<const Code extends string> (rows: Record<Code, ErrorDefinition>): ErrorRegistry<Code> {
  return Object.freeze(rows)
}

/** Builds an error of a registry: `raise(modelErrors, 'tensor_missing', { tensor })`. */
export function makeError<Code extends string> (
  registry: ErrorRegistry<Code>, code: Code, facts: ErrorFacts = {}, options: TandemErrorOptions = {}
): TandemError {
  return new TandemError(code, registry[code], facts, options)
}

export function isTandemError (error: unknown, code?: string): error is TandemError {
  return error instanceof TandemError && (code === undefined || error.code === code)
}

/** A broken invariant. Never caught to continue: the process that sees it stops. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

export function assert (condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
