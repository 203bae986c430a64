// Owns a gateway's side of the Serve stream, reduced to token ids. Test support.
import { finishReasonFromMessage, createSchedulerClient, samplingToMessage } from '@tandem/protocol'
import type { RequestEvent__Output, SchedulerClient, SchedulerMessage__Output } from '@tandem/protocol'
import { greedySampling } from '@tandem/core'
import type { FinishReason, SamplingParams } from '@tandem/core'

export interface Generation {
  readonly requestId: string
  readonly tokenIds: readonly number[]
  readonly finishReason: FinishReason
  readonly errorCode: string | undefined
  /** Terminal events seen for this request: must be one. */
  readonly numTerminalEvents: number
}

export interface GenerateOptions {
  readonly maxTokens: number
  readonly sampling?: Partial<SamplingParams>
  /** Called with the number of tokens so far, after each event. */
  readonly onToken?: (numTokens: number, requestId: string) => void
}

interface OpenRequest {
  readonly tokenIds: number[]
  readonly onToken: ((numTokens: number, requestId: string) => void) | undefined
  readonly finish: (generation: Generation) => void
}

export class TokenClient {
  readonly #client: SchedulerClient
  readonly #stream: ReturnType<SchedulerClient['serve']>
  readonly #open = new Map<string, OpenRequest>()
  readonly #terminals = new Map<string, number>()
  #count = 0

  constructor (address: string) {
    this.#client = createSchedulerClient(address, '')
    this.#stream = this.#client.serve()
    this.#stream.on('data', (message: SchedulerMessage__Output) => { for (const event of message.events) this.#take(event) })
    this.#stream.on('error', () => {})
  }

  generate (promptTokenIds: readonly number[], { maxTokens, sampling, onToken }: GenerateOptions): Promise<Generation> {
    const requestId = `request-${this.#count++}`
    return new Promise(resolve => {
      this.#open.set(requestId, { tokenIds: [], onToken, finish: resolve })
      const merged = samplingToMessage({ ...greedySampling, ...sampling })
      this.#stream.write({ generate: { requestId, promptTokenIds: [...promptTokenIds], maxTokens, sampling: merged } })
    })
  }

  /** What a gateway does when its client leaves. */
  abort (requestId: string): void {
    this.#stream.write({ abort: { requestId } })
  }

  close (): void {
    this.#stream.cancel()
    this.#client.close()
  }

  #take (event: RequestEvent__Output): void {
    const finishReason = finishReasonFromMessage(event.finishReason)
    if (finishReason) this.#terminals.set(event.requestId, (this.#terminals.get(event.requestId) ?? 0) + 1)
    const request = this.#open.get(event.requestId)
    if (!request) return
    for (const token of event.tokens) request.tokenIds.push(token.tokenId)
    request.onToken?.(request.tokenIds.length, event.requestId)
    if (!finishReason) return
    this.#open.delete(event.requestId)
    request.finish({
      requestId: event.requestId,
      tokenIds: request.tokenIds,
      finishReason,
      errorCode: event.error?.code,
      numTerminalEvents: this.#terminals.get(event.requestId) ?? 0
    })
  }
}
