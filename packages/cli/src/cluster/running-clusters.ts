// Owns how `tandem status`, `scale` and `drain` find the cluster `tandem up` runs on this machine: one small file per
// HTTP port in a folder of the user's own, removed at the end and ignored when its process is gone.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

export interface RunningCluster {
  readonly pid: number
  /** Port of the gateway. */
  readonly port: number
  readonly schedulerAddress: string
  /** Secret: the file is the user's own. */
  readonly clusterToken: string
}

type Environment = Readonly<Record<string, string | undefined>>

export class RunningClusters {
  private readonly folder: string

  constructor (env: Environment) {
    this.folder = env['XDG_RUNTIME_DIR'] === undefined
      ? join(tmpdir(), `tandem-${userInfo().uid}`)
      : join(env['XDG_RUNTIME_DIR'], 'tandem')
  }

  add (cluster: RunningCluster): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    this.forgetDead()
    // Whole or not at all: others read while we write.
    const draft = join(this.folder, `draft-${cluster.port}-${process.pid}`)
    writeFileSync(draft, JSON.stringify(cluster), { mode: 0o600 })
    renameSync(draft, this.pathOf(cluster.port))
  }

  remove (port: number): void {
    rmSync(this.pathOf(port), { force: true })
  }

  list (): RunningCluster[] {
    return this.fileNames().flatMap(name => this.read(join(this.folder, name))).filter(cluster => isAlive(cluster.pid))
  }

  /** Files of runs that had no time to remove theirs. */
  private forgetDead (): void {
    for (const path of this.fileNames().map(name => join(this.folder, name))) {
      if (!this.read(path).some(cluster => isAlive(cluster.pid))) rmSync(path, { force: true })
    }
  }

  private pathOf (port: number): string { return join(this.folder, `up-${port}.json`) }

  private fileNames (): string[] {
    try {
      return readdirSync(this.folder).filter(name => name.startsWith('up-')).sort()
    } catch {
      return []
    }
  }

  private read (path: string): RunningCluster[] {
    try {
      return [JSON.parse(readFileSync(path, 'utf8')) as RunningCluster]
    } catch {
      return []
    }
  }
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
