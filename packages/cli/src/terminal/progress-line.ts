// Owns one line of progress: redrawn in place for a person, a plain line per change elsewhere.
import { paint } from './terminal.js'
import type { Terminal } from './terminal.js'

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const eraseLine = '\r\u001B[2K'
const frameMs = 100

export class ProgressLine {
  private text = ''
  private frameIdx = 0
  private timer: NodeJS.Timeout | undefined

  constructor (private readonly terminal: Terminal) {}

  /** True where updates replace each other, so that many of them are welcome. */
  get live (): boolean { return this.terminal.interactive }

  update (text: string): void {
    if (text === this.text) return
    this.text = text
    if (!this.terminal.interactive) {
      this.terminal.err(`${text}\n`)
      return
    }
    this.timer ??= setInterval(() => this.draw(), frameMs)
    this.draw()
  }

  /** A line that stays, above the progress. */
  print (text: string): void {
    this.erase()
    this.terminal.err(`${text}\n`)
    if (this.timer !== undefined) this.draw()
  }

  end (): void {
    clearInterval(this.timer)
    this.erase()
    this.timer = undefined
    this.text = ''
  }

  private draw (): void {
    const frame = frames[this.frameIdx++ % frames.length] ?? ''
    const columns = process.stderr.columns || 80
    this.terminal.err(`${eraseLine}${paint(this.terminal, 'cyan', frame)} ${this.text.slice(0, columns - 3)}`)
  }

  private erase (): void {
    if (this.timer !== undefined) this.terminal.err(eraseLine)
  }
}
