// Owns POST /v1/completions and /v1/chat/completions: from a checked body to a generation and a format.
import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.js'
import type { GatewayDependencies } from '../dependencies.js'
import { gatewayError } from '../errors.js'
import { respond } from '../generation/respond.js'
import type { ChoicePlan, GenerationPlan } from '../generation/types.js'
import { createChatFormat } from '../openai/chat-format.js'
import { chatBody } from '../openai/chat-schema.js'
import type { ChatBody } from '../openai/chat-schema.js'
import { createCompletionFormat } from '../openai/completion-format.js'
import { completionBody } from '../openai/completion-schema.js'
import type { CompletionBody } from '../openai/completion-schema.js'
import { refuseUnknown } from '../openai/parameters.js'
import { chatPrompt, completionPrompts, maxTokensOf } from '../openai/prompts.js'
import type { Prompt, PromptLimits } from '../openai/prompts.js'
import type { ResponseFormat, ResponseHead } from '../openai/response-format.js'
import { samplingParamsOf, seedOfChoice, textOptionsOf } from '../openai/sampling-params.js'
import type { LogprobsWanted } from '../openai/sampling-params.js'
import type { SamplingFields } from '../openai/sampling-schema.js'
import type { GenerationEndpoint } from './endpoints.js'

/** OpenAI's default for /v1/completions. */
const DEFAULT_COMPLETION_TOKENS = 16

export function addGenerationRoutes (app: App, dependencies: GatewayDependencies): void {
  app.post('/v1/completions', { schema: { body: completionBody, tags: ['generation'], summary: 'Continue a prompt' } },
    (request, reply) => complete(request, reply, request.body, dependencies))
  app.post('/v1/chat/completions', { schema: { body: chatBody, tags: ['generation'], summary: 'Answer a conversation' } },
    (request, reply) => chat(request, reply, request.body, dependencies))
}

async function complete (request: FastifyRequest, reply: FastifyReply, body: CompletionBody, dependencies: GatewayDependencies) {
  refuseUnknown(body, completionBody.properties)
  admit(body, dependencies)
  const { tokenizer } = dependencies
  const prompts = completionPrompts(body.prompt, limitsOf(dependencies))
  const n = numChoices(body, prompts.length, dependencies)
  const wanted: LogprobsWanted = body.logprobs === undefined
    ? {}
    : { logprobs: body.logprobs, ...(body.echo === true ? { promptLogprobs: body.logprobs } : {}) }
  const head = headOf('cmpl', body, dependencies)
  const plan = planOf(head.id, body, prompts, n, wanted, dependencies, {
    maxTokens: body.max_tokens, defaultMaxTokens: DEFAULT_COMPLETION_TOKENS, promptParam: 'prompt', maxTokensParam: 'max_tokens'
  })
  const format = createCompletionFormat({
    ...head,
    tokenizer,
    skipSpecialTokens: plan.text.skipSpecialTokens,
    numTopLogprobs: body.logprobs,
    echoes: plan.choices.map((_, choiceIdx) => {
      if (body.echo !== true) return undefined
      const { text, tokenIds } = prompts[Math.floor(choiceIdx / n)]!
      return { text: text ?? tokenizer.decode(tokenIds), tokenIds }
    })
  })
  return answer(request, reply, body, plan, format, '/v1/completions', dependencies)
}

async function chat (request: FastifyRequest, reply: FastifyReply, body: ChatBody, dependencies: GatewayDependencies) {
  refuseUnknown(body, chatBody.properties)
  admit(body, dependencies)
  if (body.response_format !== undefined && body.response_format.type !== 'text') {
    throw gatewayError('unsupported_parameter', { param: 'response_format', reason: `only type 'text' is supported, not '${body.response_format.type}'` })
  }
  if ((body.top_logprobs ?? 0) > 0 && body.logprobs !== true) {
    throw gatewayError('invalid_value', { param: 'top_logprobs', reason: 'it needs logprobs to be true' })
  }
  const { tokenizer } = dependencies
  const prompt = chatPrompt(body, limitsOf(dependencies))
  const n = numChoices(body, 1, dependencies)
  const topLogprobs = body.logprobs === true ? body.top_logprobs ?? 0 : undefined
  const head = headOf('chatcmpl', body, dependencies)
  const plan = planOf(head.id, body, [prompt], n, topLogprobs === undefined ? {} : { logprobs: topLogprobs }, dependencies, {
    maxTokens: body.max_completion_tokens ?? body.max_tokens,
    defaultMaxTokens: undefined,
    promptParam: 'messages',
    maxTokensParam: body.max_completion_tokens === undefined ? 'max_tokens' : 'max_completion_tokens'
  })
  const format = createChatFormat({ ...head, tokenizer, numChoices: n, topLogprobs })
  return answer(request, reply, body, plan, format, '/v1/chat/completions', dependencies)
}

/** Cheap refusals first: before a prompt is tokenized. */
function admit (body: SamplingFields, { model, link, options }: GatewayDependencies): void {
  if (body.model !== undefined && body.model !== model.name) {
    throw gatewayError('model_not_found', { param: 'model', model: body.model, served: model.name })
  }
  if (!link.state.ready) throw gatewayError('not_ready', { reason: link.state.reason })
  if (link.numLive >= options.maxInFlight) throw gatewayError('too_many_requests', { maxInFlight: options.maxInFlight })
}

function limitsOf ({ tokenizer, model, link }: GatewayDependencies): PromptLimits {
  return { tokenizer, vocabSize: model.vocabSize, maxModelLen: link.state.maxModelLen }
}

function numChoices (body: SamplingFields, numPrompts: number, { options }: GatewayDependencies): number {
  const n = body.n ?? 1
  if (n * numPrompts > options.maxChoices) {
    throw gatewayError('invalid_value', {
      param: n > 1 ? 'n' : 'prompt',
      reason: `${n * numPrompts} sequences (prompts times n) are more than the ${options.maxChoices} a request may ask for`
    })
  }
  return n
}

function headOf (prefix: string, body: SamplingFields, { model, now }: GatewayDependencies): ResponseHead {
  return {
    id: `${prefix}-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(now().getTime() / 1000),
    model: model.name,
    includeUsage: body.stream === true && body.stream_options?.include_usage === true
  }
}

interface Lengths {
  readonly maxTokens: number | undefined
  readonly defaultMaxTokens: number | undefined
  readonly promptParam: string
  readonly maxTokensParam: string
}

function planOf (
  id: string, body: SamplingFields, prompts: readonly Prompt[], n: number, wanted: LogprobsWanted,
  { model, link }: GatewayDependencies, lengths: Lengths
): GenerationPlan {
  const sampling = samplingParamsOf(body, wanted, model)
  const choices: ChoicePlan[] = []
  let numPromptTokens = 0
  for (const { tokenIds } of prompts) {
    const maxTokens = maxTokensOf({ numPromptTokens: tokenIds.length, ...lengths }, link.state.maxModelLen)
    numPromptTokens += tokenIds.length
    for (let i = 0; i < n; i++) {
      choices.push({ promptTokenIds: tokenIds, maxTokens, sampling: { ...sampling, seed: seedOfChoice(sampling.seed, i) } })
    }
  }
  return { id, choices, numChoicesPerPrompt: n, numPromptTokens, text: textOptionsOf(body) }
}

function answer (
  request: FastifyRequest, reply: FastifyReply, body: SamplingFields, plan: GenerationPlan, format: ResponseFormat, endpoint: GenerationEndpoint,
  { link, tokenizer, metrics, model, nowMs, options }: GatewayDependencies
): Promise<object | undefined> {
  const context = { link, tokenizer, metrics, nowMs, eosTokenIds: new Set(model.eosTokenIds) }
  return respond(request, reply, {
    context, plan, format, endpoint, stream: body.stream ?? false, maxBufferedBytes: options.maxBufferedBytes
  })
}
