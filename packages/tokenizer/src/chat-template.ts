// Owns rendering of a checkpoint's chat template with the names transformers gives it.
import { Environment, Interpreter, Template } from '@huggingface/jinja'
import { isTandemError, makeError } from '@tandem/core'
import { tokenizerErrors } from './errors.js'
import type { TokenizerParts } from './tokenizer-json.js'

export interface ChatMessage {
  readonly role: string
  readonly content: string
  readonly [key: string]: unknown
}

export interface RenderOptions {
  /** Default true: the text ends where the assistant's turn begins. */
  readonly addGenerationPrompt?: boolean
  /** Extra names a template may read (`enable_thinking`); they cannot replace the standard ones. */
  readonly variables?: Readonly<Record<string, unknown>>
}

export interface ChatTemplate {
  /** The prompt text; it already has the bos token where the template writes one. Throws `chat_template_failed`. */
  render (messages: readonly ChatMessage[], options?: RenderOptions): string
}

/** Throws `tokenizer_unsupported` for a template that does not parse. */
export function createChatTemplate (parts: TokenizerParts, now: () => Date): ChatTemplate | undefined {
  if (parts.chatTemplate === undefined) return undefined
  const template = parse(parts.source, parts.chatTemplate)
  const globals = new Environment()
  setAll(globals, {
    ...constants,
    range,
    raise_exception: (reason: unknown) => { throw makeError(tokenizerErrors, 'chat_template_failed', { param: 'messages', reason: String(reason) }) },
    strftime_now: (format: unknown) => strftime(now(), String(format))
  })
  const names = {
    bos_token: parts.bosToken ?? null,
    eos_token: parts.eosToken ?? null,
    unk_token: parts.unkToken ?? null,
    pad_token: parts.padToken ?? null,
    tools: null,
    documents: null
  }
  return {
    render (messages, { addGenerationPrompt = true, variables = {} } = {}) {
      const environment = new Environment(globals)
      try {
        setAll(environment, { ...variables, ...names, messages, add_generation_prompt: addGenerationPrompt })
        return String(new Interpreter(environment).run(template.parsed).value)
      } catch (error) {
        if (isTandemError(error)) throw error
        throw makeError(tokenizerErrors, 'chat_template_failed', { param: 'messages', reason: reasonOf(error) }, { cause: error })
      }
    }
  }
}

const constants = { true: true, false: false, none: null, True: true, False: false, None: null }

function setAll (environment: Environment, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) environment.set(name, value)
}

function range (first: number, last?: number, step = 1): number[] {
  const [start, stop] = last === undefined ? [0, first] : [first, last]
  const values: number[] = []
  for (let value = start; step > 0 ? value < stop : step < 0 && value > stop; value += step) values.push(value)
  return values
}

function parse (source: string, text: string): Template {
  try {
    return new Template(text)
  } catch (error) {
    throw makeError(tokenizerErrors, 'tokenizer_unsupported', { source, reason: `chat template: ${reasonOf(error)}` }, { cause: error })
  }
}

function reasonOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'
]

/** The directives chat templates use, in local time as Python's datetime.now() is; others stay as they are. */
function strftime (date: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const directives: Readonly<Record<string, string>> = {
    a: DAYS[date.getDay()]!.slice(0, 3),
    A: DAYS[date.getDay()]!,
    b: MONTHS[date.getMonth()]!.slice(0, 3),
    B: MONTHS[date.getMonth()]!,
    d: two(date.getDate()),
    H: two(date.getHours()),
    I: two((date.getHours() + 11) % 12 + 1),
    m: two(date.getMonth() + 1),
    M: two(date.getMinutes()),
    p: date.getHours() < 12 ? 'AM' : 'PM',
    S: two(date.getSeconds()),
    y: two(date.getFullYear() % 100),
    Y: String(date.getFullYear()),
    '%': '%'
  }
  return format.replace(/%(.)/g, (whole, directive: string) => directives[directive] ?? whole)
}
