// Owns one run of `tandem up` from the first process to the last: what the user sees, crashes, scale commands, signals. Processes
// are the launcher's.
import { availableParallelism } from 'node:os'
import { makeError } from '@tandem/core'
import { ClusterClient } from '../cluster/cluster-client.js'
import { LauncherLink } from '../cluster/launcher-link.js'
import type { WorkerCounts } from '../cluster/launcher-link.js'
import { RunningClusters } from '../cluster/running-clusters.js'
import type { CommandContext, ExitCode } from '../commands/command.js'
import { cliErrors } from '../errors.js'
import { ProgressLine } from '../terminal/progress-line.js'
import { formatSeconds } from '../terminal/format.js'
import { paint } from '../terminal/terminal.js'
import { backendAdvice, clientUrl, exampleMaxTokens, exampleRequest, reachability } from './announcement.js'
import { describeEnd, lastWords } from './last-words.js'
import type { ProcessEnd } from './last-words.js'
import { Launcher } from './launcher.js'
import { describeLogLine, logLevels } from './log-line.js'
import type { LogLine } from './log-line.js'
import type { ManagedProcess } from './managed-process.js'
import type { ClusterPlan } from './plan.js'
import { servedModel, waitUntilReady } from './readiness.js'
import { maxWorkersPerRole } from './worker-limit.js'
import type { PoolEvents } from './worker-pool.js'

/** A worker that is scaled away hands over its work and leaves in this time; the scheduler's own drain timeout is shorter. */
const leaveMs = 30_000
/** Workers and scheduler at the end, when nobody is served any more. */
const stopMs = 5_000
const slackMs = 1_000

export interface ClusterRunOptions {
  readonly host: string
  readonly port: number
  readonly schedulerAddress: string
  /** What the members of this cluster show each other. */
  readonly clusterToken: string
  readonly counts: WorkerCounts
  readonly apiKey: string | undefined
  /** As a shell would find it: `$TANDEM_API_KEY` or the key itself. */
  readonly spelledApiKey: string | undefined
  readonly readyTimeoutMs: number
  readonly gatewayShutdownMs: number
  readonly verbose: boolean
}

export class ClusterRun implements PoolEvents {
  private readonly progress: ProgressLine
  private readonly cluster: ClusterClient
  private readonly running: RunningClusters
  /** Aborted once: by a signal (no reason) or by a failure (its error). */
  private readonly end = new AbortController()
  private ready = false

  constructor (private readonly options: ClusterRunOptions, private readonly context: CommandContext) {
    this.progress = new ProgressLine(context.terminal)
    this.cluster = new ClusterClient(options.schedulerAddress, options.clusterToken)
    this.running = new RunningClusters(context.env)
  }

  async serve (plan: ClusterPlan): Promise<ExitCode> {
    const launcher = new Launcher(plan, this, { leaveMs, gatewayMs: this.options.gatewayShutdownMs + slackMs, stopMs })
    const link = this.linkTo(launcher)
    const killAll = () => launcher.kill()
    process.once('exit', killAll)
    const ignoreSignals = this.context.onStopSignal(() => this.end.abort(stopRequested), killAll)
    try {
      await this.start(launcher, link)
      await aborted(this.end.signal)
      this.progress.update('stopping')
    } catch (error) {
      if (error !== stopRequested) throw error
    } finally {
      link.close()
      await launcher.stop()
      this.cluster.close()
      this.running.remove(this.options.port)
      this.progress.end()
      ignoreSignals()
      process.removeListener('exit', killAll)
    }
    if (this.end.signal.reason !== stopRequested) throw this.end.signal.reason
    return 0
  }

  private async start (launcher: Launcher, link: LauncherLink): Promise<void> {
    const startedAt = Date.now()
    this.progress.update('starting the scheduler')
    await launcher.start(this.options.counts)
    link.dial()
    await waitUntilReady({
      url: clientUrl(this.options.host, this.options.port),
      counts: this.options.counts,
      getCluster: () => this.cluster.getCluster(1_000).catch(() => undefined),
      onProgress: text => this.progress.update(text),
      timeoutMs: this.options.readyTimeoutMs,
      signal: this.end.signal
    })
    this.ready = true
    const { port, schedulerAddress, clusterToken } = this.options
    this.running.add({ pid: process.pid, port, schedulerAddress, clusterToken })
    await this.announce((Date.now() - startedAt) / 1000)
  }

  private async announce (seconds: number): Promise<void> {
    const { terminal } = this.context
    const { host, port, counts } = this.options
    const cluster = await this.cluster.getCluster()
    const { modelName, hasChatTemplate } = await servedModel(clientUrl(host, port), this.options.apiKey)
    this.progress.end()
    // Serving does not need the store, so nothing else would tell of a mistyped address.
    if (cluster.store.endsWith('(unreachable)')) terminal.err(`the store does not answer: ${cluster.store}; serving goes on without it\n`)
    const advice = backendAdvice(cluster.workers)
    const backends = [...new Set(cluster.workers.map(worker => worker.backend))].join(', ')
    terminal.out([
      `Tandem serves ${paint(terminal, 'bold', modelName)} at ${paint(terminal, 'bold', clientUrl(host, port))} (${reachability(host)})`,
      `${counts.attention} attention and ${counts.ffn} ffn workers, backend ${backends}, ready in ${formatSeconds(seconds)}.`,
      ...(advice === undefined ? [] : [paint(terminal, 'yellow', advice)]),
      'Try:',
      '',
      exampleRequest({ host, port, modelName, hasChatTemplate, apiKey: this.options.spelledApiKey, maxTokens: exampleMaxTokens(cluster.workers) }),
      '',
      'Ctrl-C stops everything. In another terminal: npx tandem status, npx tandem scale ffn=2',
      ''
    ].join('\n'))
  }

  private linkTo (launcher: Launcher): LauncherLink {
    return new LauncherLink({
      scheduler: this.cluster.scheduler,
      maxWorkersPerRole: maxWorkersPerRole(availableParallelism(), this.options.counts),
      counts: () => launcher.counts,
      onCommand: target => {
        const { attention, ffn } = launcher.counts
        if (target.attention === attention && target.ffn === ffn) return
        this.progress.print(`scaling to ${target.attention} attention and ${target.ffn} ffn workers`)
        void launcher.scaleTo(target)
      }
    })
  }

  onLine (process: ManagedProcess, line: LogLine): void {
    if (!this.options.verbose && !this.isNews(line)) return
    const style = line.level >= logLevels.error ? 'red' : line.level >= logLevels.warn ? 'yellow' : 'dim'
    this.progress.print(`${paint(this.context.terminal, style, process.spec.name)}  ${describeLogLine(line)}`)
  }

  /** What a process warns of while it starts is about how it was started; later, warnings are of the day. */
  private isNews (line: LogLine): boolean {
    if (this.ready) return line.level >= logLevels.error
    return line.level === logLevels.warn && !line.isPlain
  }

  onCrash (process: ManagedProcess, end: ProcessEnd, restartMs: number | undefined): void {
    const service = process.spec.name
    const reason = lastWords(service, end)
    if (!this.ready) {
      this.end.abort(makeError(cliErrors, 'service_ended', { service, how: describeEnd(end), reason }))
      return
    }
    const next = restartMs === undefined ? 'it stays down: too many crashes' : `starting it again in ${restartMs / 1000} s`
    this.progress.print(`${service} ended (${describeEnd(end)}): ${reason}; ${next}`)
    if (restartMs === undefined && (service === 'gateway' || service === 'scheduler')) {
      this.end.abort(makeError(cliErrors, 'service_lost', { service }))
    }
  }

  onLeave (process: ManagedProcess, end: ProcessEnd): void {
    const service = process.spec.name
    this.progress.print(`${service} left`)
    if (!this.ready) this.end.abort(makeError(cliErrors, 'service_ended', { service, how: describeEnd(end), reason: lastWords(service, end) }))
  }
}

const stopRequested = new Error('stop requested')

function aborted (signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
