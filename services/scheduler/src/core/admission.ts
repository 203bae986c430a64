// Owns who gets in: checks a request against the queue bound and the limits of the workers there are.
import type { TandemError } from '@tandem/core'
import { errorToMessage, schedulerError } from '../errors.js'
import type { Books } from './books.js'
import { Sequence } from './sequence.js'
import type { GenerateRequest } from './types.js'

/** Tokens of one sequence that fit on the roomiest worker; Infinity while none has registered. */
export function clusterMaxModelLen (books: Books): number {
  let maxModelLen = 0
  for (const worker of books.attention.values()) maxModelLen = Math.max(maxModelLen, worker.maxModelLen)
  return maxModelLen === 0 ? Infinity : maxModelLen
}

/** Why no worker could ever run it, or undefined. */
export function lengthError (numPromptTokens: number, maxTokens: number, maxModelLen: number): TandemError | undefined {
  if (numPromptTokens === 0) return schedulerError('prompt_empty', { param: 'prompt' })
  if (maxTokens < 1) return schedulerError('max_tokens_invalid', { param: 'max_tokens' })
  if (numPromptTokens + 1 > maxModelLen) {
    return schedulerError('prompt_too_long', { param: 'prompt', numPromptTokens, maxPromptTokens: maxModelLen - 1 })
  }
  if (numPromptTokens + maxTokens > maxModelLen) {
    return schedulerError('max_tokens_too_large', { param: 'max_tokens', numPromptTokens, maxTokens, maxModelLen })
  }
  return undefined
}

/** Queues the request, or answers it with its one terminal event. */
export function admit (books: Books, gatewayId: number, request: GenerateRequest): void {
  const live = books.gateways.get(gatewayId)
  if (!live) return
  books.counters.numRequests++
  const error = refusal(books, live, request)
  if (error) {
    books.counters.numRejected++
    books.emit(gatewayId, { requestId: request.requestId, finishReason: 'FINISH_REASON_ERROR', error: errorToMessage(error) })
    return
  }
  books.counters.numPromptTokens += request.promptTokenIds.length
  const sequence = new Sequence({ ...request, gatewayId, arrival: books.nextArrival() })
  books.add(sequence)
  if (sequence.numOutputTokens >= sequence.maxTokens) books.finish(sequence, 'length')
}

function refusal (books: Books, live: ReadonlyMap<string, Sequence>, request: GenerateRequest): TandemError | undefined {
  const { requestId, promptTokenIds, maxTokens } = request
  if (live.has(requestId)) return schedulerError('request_in_use', { requestId })
  const error = lengthError(promptTokenIds.length, maxTokens, clusterMaxModelLen(books))
  if (error) return error
  const { maxWaiting } = books.options
  return books.waiting.size >= maxWaiting ? schedulerError('overloaded', { maxWaiting }) : undefined
}
