// Owns `tandem pull`: where it goes, what is shown meanwhile. Downloading is the hub package's.
import { parseOptions } from '@tandem/core'
import { defaultModelsDirectory, modelDirectoryOf, parseModelId, pullModel } from '@tandem/hub'
import type { PullProgress } from '@tandem/hub'
import { formatBytes } from '../terminal/format.js'
import { ProgressLine } from '../terminal/progress-line.js'
import type { CommandContext, ExitCode } from './command.js'
import { modelsDirOption, pullOptions } from './model-options.js'

const barWidth = 24

export async function runPull (
  model: string, flags: Readonly<Record<string, unknown>>, context: CommandContext
): Promise<ExitCode> {
  const { revision, include, modelsDir } = parseOptions({ ...pullOptions, ...modelsDirOption }, {
    flags, env: { TANDEM_MODELS_DIR: context.env['TANDEM_MODELS_DIR'] }
  })
  // `OWNER/NAME@REVISION` says the revision itself.
  const id = model.includes('@') || revision === 'main' ? model : `${model}@${revision}`
  const destination = modelDirectoryOf(modelsDir ?? defaultModelsDirectory(), parseModelId(id))
  const progress = new ProgressLine(context.terminal)
  const interrupt = new AbortController()
  const restoreSignals = context.onStopSignal(() => interrupt.abort(), () => {})
  const { HF_ENDPOINT: endpoint, HF_TOKEN: token } = context.env
  try {
    progress.update(`looking up ${id}`)
    const pulled = await pullModel(id, {
      destination,
      ...(endpoint ? { endpoint } : {}),
      ...(token ? { token } : {}),
      ...(include === undefined ? {} : { include: include.split(',') }),
      onProgress: pullProgress => progress.update(describeProgress(pullProgress, progress.live)),
      signal: interrupt.signal
    })
    progress.end()
    const size = formatBytes(pulled.files.reduce((sum, file) => sum + file.sizeBytes, 0))
    context.terminal.out(`${id}: ${pulled.files.length} files, ${size}, in ${pulled.directory}\nServe it with: tandem up --model ${id}\n`)
    return 0
  } catch (error) {
    if (!interrupt.signal.aborted) throw error
    progress.end()
    context.terminal.err('tandem: stopped; the same command continues\n')
    return 1
  } finally {
    progress.end()
    restoreSignals()
  }
}

/** A bar where lines replace each other; elsewhere one line per tenth. */
export function describeProgress ({ doneBytes, totalBytes, numFilesDone, numFiles }: PullProgress, live: boolean): string {
  const share = totalBytes === 0 ? 1 : doneBytes / totalBytes
  if (!live) return `downloading ${formatBytes(totalBytes)}: ${Math.floor(share * 10) * 10}%`
  const filled = Math.round(share * barWidth)
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
  return `${bar} ${Math.floor(share * 100)}%  ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}, ${numFilesDone}/${numFiles} files`
}
