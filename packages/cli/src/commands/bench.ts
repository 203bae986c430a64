// Owns `tandem bench`: one run from options to report.
import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { makeError, parseOptions } from '@tandem/core'
import type { OptionsOf } from '@tandem/core'
import { generateLoad } from '../bench/load.js'
import { benchOptions } from '../bench/options.js'
import { promptSource } from '../bench/prompts.js'
import type { Prompt } from '../bench/prompts.js'
import { seededRandom } from '../bench/random.js'
import { currentCommit, describeMachine, reportText } from '../bench/report.js'
import type { BenchReport } from '../bench/report.js'
import { requireWritable, writeReport } from '../bench/report-file.js'
import { summarize } from '../bench/statistics.js'
import { sendStreaming } from '../bench/streaming-request.js'
import type { RequestRecord, Target } from '../bench/streaming-request.js'
import { cliErrors } from '../errors.js'
import { ProgressLine } from '../terminal/progress-line.js'
import type { CommandContext, ExitCode } from './command.js'

type BenchOptions = OptionsOf<typeof benchOptions>

const progressMs = 500

export async function runBench (flags: Readonly<Record<string, unknown>>, context: CommandContext): Promise<ExitCode> {
  // Of the variables only the key: TANDEM_MODEL and the like describe a server, not a client.
  const options = parseOptions(benchOptions, { flags, env: { TANDEM_API_KEY: context.env['TANDEM_API_KEY'] } })
  if (options.promptIds && options.endpoint === 'chat') {
    throw makeError(cliErrors, 'usage', { reason: '--prompt-ids needs --endpoint completions: chat takes text only' })
  }
  if (options.output !== undefined) requireWritable(options.output)
  const prompts = promptSource(options, seededRandom(options.seed))
  const model = options.model ?? await firstModel(options)
  const report = await new BenchRun(options, model, prompts, context).measure()
  context.terminal.out(reportText(report))
  if (options.output !== undefined) writeReport(options.output, report)
  if (report.results.numFailed === report.results.numRequests) {
    throw makeError(cliErrors, 'bench_failed', { reason: Object.keys(report.results.errors)[0] ?? 'interrupted' })
  }
  return report.results.numFailed > 0 ? 1 : 0
}

class BenchRun {
  private readonly target: Target
  private readonly progress: ProgressLine
  private readonly interrupt = new AbortController()
  private numTokensSeen = 0

  constructor (
    private readonly options: BenchOptions, private readonly model: string,
    private readonly prompts: () => Prompt, private readonly context: CommandContext
  ) {
    this.progress = new ProgressLine(context.terminal)
    const url = endpointUrl(options.url, options.endpoint === 'chat' ? 'chat/completions' : 'completions')
    const agentOptions = { keepAlive: true, maxSockets: Infinity }
    this.target = {
      url,
      agent: url.protocol === 'https:' ? new SecureAgent(agentOptions) : new Agent(agentOptions),
      headers: authorization(options.apiKey),
      timeoutMs: options.requestTimeout * 1000
    }
  }

  async measure (): Promise<BenchReport> {
    const { options } = this
    const restoreSignals = this.context.onStopSignal(() => this.interrupt.abort(), () => {})
    const numRequests = options.numRequests ?? options.concurrency * 4
    await this.run(options.warmup ?? options.concurrency, 'warming up', 0)
    const startedAt = new Date().toISOString()
    const cpuBefore = process.cpuUsage()
    const records = await this.run(numRequests, 'measuring', options.rate)
    const cpu = process.cpuUsage(cpuBefore)
    this.progress.end()
    restoreSignals()
    this.target.agent.destroy()
    const results = summarize(records)
    const { url, apiKey: _secret, model: _model, endpoint, output: _output, ...load } = options
    return {
      machine: describeMachine(),
      commit: currentCommit(),
      startedAt,
      server: { url, model: this.model, endpoint },
      load: { ...load, numRequests },
      interrupted: this.interrupt.signal.aborted,
      benchCpuShare: results.durationS > 0 ? (cpu.user + cpu.system) / 1e6 / results.durationS : 0,
      results
    }
  }

  private async run (numRequests: number, label: string, rate: number): Promise<RequestRecord[]> {
    const records: RequestRecord[] = []
    const startedAt = performance.now()
    this.numTokensSeen = 0
    const show = () => {
      const seconds = (performance.now() - startedAt) / 1000
      this.progress.update(`${label}: ${records.length}/${numRequests} requests, ${(this.numTokensSeen / seconds).toFixed(0)} tokens/s`)
    }
    const timer = this.progress.live ? setInterval(show, progressMs) : undefined
    if (timer === undefined && numRequests > 0) this.progress.update(`${label}: ${numRequests} requests`)
    const { concurrency, seed } = this.options
    const load = { numRequests, concurrency, rate, random: seededRandom(seed + 1), signal: this.interrupt.signal }
    await generateLoad(load, async () => { records.push(await this.send()) })
    clearInterval(timer)
    return this.interrupt.signal.aborted ? records.filter(record => record.error !== 'ABORT_ERR') : records
  }

  private send (): Promise<RequestRecord> {
    const prompt = this.prompts()
    const { endpoint, maxTokens, temperature, ignoreEos } = this.options
    const body = JSON.stringify({
      model: this.model,
      ...(endpoint === 'chat' ? { messages: [{ role: 'user', content: prompt }] } : { prompt }),
      max_tokens: maxTokens,
      temperature,
      ...(ignoreEos ? { ignore_eos: true } : {}),
      stream: true,
      stream_options: { include_usage: true }
    })
    return sendStreaming(this.target, body, () => performance.now(), () => { this.numTokensSeen++ }, this.interrupt.signal)
  }
}

function endpointUrl (base: string, path: string): URL {
  const trimmed = base.replace(/\/+$/, '')
  try {
    return new URL(`${trimmed.endsWith('/v1') ? trimmed : `${trimmed}/v1`}/${path}`)
  } catch {
    throw makeError(cliErrors, 'usage', { reason: `--url ${base} is not a URL` })
  }
}

function authorization (apiKey: string | undefined): Record<string, string> {
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }
}

/** The first model the server lists. Throws `bench_unreachable`. */
async function firstModel (options: BenchOptions): Promise<string> {
  const url = endpointUrl(options.url, 'models')
  const refuse = (reason: string, cause?: unknown) => makeError(cliErrors, 'bench_unreachable', { url: options.url, reason }, { cause })
  const response = await fetch(url, { headers: authorization(options.apiKey) }).catch((error: Error) => {
    const cause = error.cause as NodeJS.ErrnoException | undefined
    throw refuse(cause?.code ?? cause?.message ?? error.message, error)
  })
  if (!response.ok) throw refuse(`HTTP ${response.status} from ${url.pathname}`)
  const { data } = await response.json() as { data?: { id: string }[] }
  const id = data?.[0]?.id
  if (id === undefined) throw refuse('it lists no model: name one with --model')
  return id
}
