// Owns turning the prompt of a request into token ids, and the checks of lengths against what the model serves.
import { makeError } from '@tandem/core'
import { tokenizerErrors } from '@tandem/tokenizer'
import type { ChatMessage, Tokenizer } from '@tandem/tokenizer'
import { gatewayError } from '../errors.js'
import type { ChatBody } from './chat-schema.js'
import type { CompletionBody } from './completion-schema.js'
import { requireTokenId } from './sampling-params.js'

export interface Prompt {
  readonly tokenIds: readonly number[]
  /** For `echo`; undefined when the prompt came as token ids. */
  readonly text: string | undefined
}

export interface PromptLimits {
  readonly tokenizer: Tokenizer
  readonly vocabSize: number
  readonly maxModelLen: number
}

export function completionPrompts (prompt: CompletionBody['prompt'], limits: PromptLimits): Prompt[] {
  const encode = (text: string): Prompt => ({
    tokenIds: orBos(encodeWithin(text, true, 'prompt', limits), limits.tokenizer), text
  })
  const check = (tokenIds: readonly number[]): Prompt => {
    for (const id of tokenIds) requireTokenId('prompt', id, limits.vocabSize)
    return { tokenIds, text: undefined }
  }
  if (typeof prompt === 'string') return [encode(prompt)]
  if (isTokenIds(prompt)) return [check(prompt)]
  return prompt.map(entry => typeof entry === 'string' ? encode(entry) : check(entry))
}

/** An empty text is what the model expects at the very beginning, where it has a token for that. */
function orBos (tokenIds: readonly number[], tokenizer: Tokenizer): readonly number[] {
  if (tokenIds.length > 0) return tokenIds
  if (tokenizer.bosTokenId === undefined) throw gatewayError('invalid_value', { param: 'prompt', reason: 'it is empty' })
  return [tokenizer.bosTokenId]
}

function isTokenIds (prompt: CompletionBody['prompt']): prompt is number[] {
  return Array.isArray(prompt) && typeof prompt[0] === 'number'
}

/** Throws `chat_template_missing` and `chat_template_failed`. */
export function chatPrompt (body: ChatBody, limits: PromptLimits): Prompt {
  const template = limits.tokenizer.chatTemplate
  if (template === undefined) throw makeError(tokenizerErrors, 'chat_template_missing', { param: 'messages' })
  const text = template.render(body.messages.map(messageOf), {
    addGenerationPrompt: body.add_generation_prompt ?? true,
    ...(body.chat_template_kwargs === undefined ? {} : { variables: body.chat_template_kwargs })
  })
  // The template writes the bos token itself.
  return { tokenIds: encodeWithin(text, false, 'messages', limits), text }
}

/** Characters per token that ordinary text stays below; a longer text is looked at in part before it is encoded whole. */
const USUAL_CHARS_PER_TOKEN = 8
/** Tokens a cut can change near its place. */
const CUT_SLACK = 64

/** Encoding takes about a microsecond a character and blocks every other request, so a text that cannot fit is refused early. */
function encodeWithin (text: string, addSpecialTokens: boolean, param: string, { tokenizer, maxModelLen, vocabSize }: PromptLimits): number[] {
  const refuse = (numPromptTokens: number): never => {
    throw gatewayError('context_length_exceeded', { param, numPromptTokens: `more than ${numPromptTokens}`, maxTokens: 1, maxModelLen })
  }
  if (text.length > maxModelLen * tokenizer.maxTokenBytes) refuse(maxModelLen)
  const usualLength = Math.max(1024, maxModelLen * USUAL_CHARS_PER_TOKEN)
  if (text.length > usualLength) {
    const numTokens = tokenizer.encode(text.slice(0, usualLength), { addSpecialTokens }).length - CUT_SLACK
    if (numTokens > maxModelLen) refuse(numTokens)
  }
  const tokenIds = tokenizer.encode(text, { addSpecialTokens })
  // Ordinary text never gets there (tokenizer-fit.ts).
  if (tokenizer.numIds > vocabSize) for (const tokenId of tokenIds) requireTokenId(param, tokenId, vocabSize)
  return tokenIds
}

const roles = ['system', 'developer', 'user', 'assistant']

function messageOf (message: ChatBody['messages'][number], idx: number): ChatMessage {
  const at = `messages[${idx}]`
  const { role } = message
  if (!roles.includes(role)) {
    throw gatewayError('invalid_value', { param: `${at}.role`, reason: `'${role}' is not one of ${roles.join(', ')}` })
  }
  const { tool_calls: toolCalls } = message as { tool_calls?: unknown }
  if (toolCalls !== undefined && toolCalls !== null && !(Array.isArray(toolCalls) && toolCalls.length === 0)) {
    throw gatewayError('unsupported_parameter', { param: `${at}.tool_calls`, reason: 'tool calls are not supported' })
  }
  return {
    // Templates may read more, such as reasoning_content. Answers that clients send back are full of nulls.
    ...Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null)),
    // OpenAI's newer name for the same thing; templates know the older one.
    role: role === 'developer' ? 'system' : role,
    content: contentOf(message.content, `${at}.content`, role)
  }
}

function contentOf (content: unknown, param: string, role: string): string {
  if (typeof content === 'string') return content
  if ((content === null || content === undefined) && role === 'assistant') return ''
  if (!Array.isArray(content) || content.length === 0) {
    throw gatewayError('invalid_type', { param, expected: 'a string or a non-empty array of parts' })
  }
  return content.map((part: unknown, idx) => partText(part, `${param}[${idx}]`)).join('\n')
}

function partText (part: unknown, param: string): string {
  if (typeof part !== 'object' || part === null) throw gatewayError('invalid_type', { param, expected: 'an object with type and text' })
  const { type, text } = part as { type?: unknown, text?: unknown }
  if (type !== 'text') {
    throw gatewayError('unsupported_parameter', { param: `${param}.type`, reason: `only parts of type 'text' are supported, not '${String(type)}'` })
  }
  if (typeof text !== 'string') throw gatewayError('invalid_type', { param: `${param}.text`, expected: 'a string' })
  return text
}

export interface LengthRequest {
  readonly numPromptTokens: number
  readonly maxTokens: number | undefined
  /** Used when the request gives none; undefined is all that fits. */
  readonly defaultMaxTokens: number | undefined
  readonly promptParam: string
  readonly maxTokensParam: string
}

/** Tokens to generate. Throws `context_length_exceeded` naming what is too long. */
export function maxTokensOf (request: LengthRequest, maxModelLen: number): number {
  const { numPromptTokens } = request
  const room = maxModelLen - numPromptTokens
  const maxTokens = request.maxTokens ?? Math.min(request.defaultMaxTokens ?? room, room)
  if (room < 1 || maxTokens > room) {
    const param = room < 1 ? request.promptParam : request.maxTokensParam
    throw gatewayError('context_length_exceeded', { param, numPromptTokens, maxTokens: Math.max(1, maxTokens), maxModelLen })
  }
  return maxTokens
}
