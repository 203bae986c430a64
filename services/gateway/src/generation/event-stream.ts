// Owns writing server-sent events to one client: headers when the first event comes, a bound on what is buffered
// for a client that reads too slowly. Sets no timers.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

export interface EventStreamOptions {
  readonly maxBufferedBytes: number
  /** The client did not take what was written; nothing more will be. */
  readonly onTooSlow: () => void
}

export class EventStream {
  private tooSlow = false

  constructor (private readonly response: ServerResponse, private readonly options: EventStreamOptions) {}

  get isOpen (): boolean { return this.response.headersSent }

  /** `headers` come from hooks, which a hijacked reply would lose. */
  open (headers: OutgoingHttpHeaders): void {
    this.response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      // Proxies would gather events otherwise.
      'x-accel-buffering': 'no'
    })
  }

  write (events: string): void {
    if (events === '' || this.tooSlow) return
    if (!this.response.write(events) && this.response.writableLength > this.options.maxBufferedBytes) {
      this.tooSlow = true
      this.options.onTooSlow()
      this.response.destroy()
    }
  }

  end (): void {
    if (!this.tooSlow) this.response.end('data: [DONE]\n\n')
  }

  /** After an error the stream ends without [DONE]: a client must not take it for complete. */
  endWithError (error: object): void {
    if (!this.tooSlow) this.response.end(`data: ${JSON.stringify(error)}\n\n`)
  }
}
