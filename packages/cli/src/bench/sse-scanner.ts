// Owns reading a completion stream as cheaply as possible: the bench shares the machine with what it measures, so events are
// recognised by their text and only the rare ones (usage, errors) are parsed.

export interface StreamSink {
  /** An event that carries text. */
  onText (): void
  onUsage (promptTokens: number, completionTokens: number): void
  onError (message: string): void
  onDone (): void
}

/** A text or content field that is not empty; `content` also ends `reasoning_content`. */
const carriesText = /(?:"text"|content"):\s*"(?!")/
const carriesUsage = /"usage":\s*\{/
const carriesError = /^data:\s*\{"error"|"error":\s*\{/

export class SseScanner {
  private rest = ''

  constructor (private readonly sink: StreamSink) {}

  push (chunk: string): void {
    const text = this.rest + chunk
    let start = 0
    for (let end = text.indexOf('\n', start); end !== -1; end = text.indexOf('\n', start)) {
      this.line(text.slice(start, end))
      start = end + 1
    }
    this.rest = text.slice(start)
  }

  private line (line: string): void {
    if (!line.startsWith('data:')) return
    if (carriesError.test(line)) {
      this.sink.onError(errorMessage(line.slice(5)))
      return
    }
    if (line.includes('[DONE]', 5) && line.slice(5).trim() === '[DONE]') {
      this.sink.onDone()
      return
    }
    if (carriesText.test(line)) this.sink.onText()
    if (carriesUsage.test(line)) this.usage(line.slice(5))
  }

  private usage (json: string): void {
    const { usage } = JSON.parse(json) as { usage?: { prompt_tokens?: number, completion_tokens?: number } }
    if (usage?.completion_tokens !== undefined) this.sink.onUsage(usage.prompt_tokens ?? 0, usage.completion_tokens)
  }
}

/** The message of an OpenAI error body, or the body itself. */
export function errorMessage (body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: string } | string }
    if (typeof error === 'string') return error
    return error?.message ?? body.trim()
  } catch {
    return body.trim().slice(0, 200)
  }
}
