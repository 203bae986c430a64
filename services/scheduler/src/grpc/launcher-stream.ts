// Owns the AttachLauncher stream: at most one launcher, told the wanted numbers of processes.
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { isTandemError } from '@tandem/core'
import type { LauncherCommandMessage, LauncherMessage__Output } from '@tandem/protocol'
import type { Logger } from 'pino'
import type { CoreLoop } from '../core-loop.js'
import { schedulerError } from '../errors.js'
import { toServiceError } from './status.js'

export type LauncherCall = ServerDuplexStream<LauncherMessage__Output, LauncherCommandMessage>

export class LauncherStream {
  #call: LauncherCall | undefined

  constructor (readonly loop: CoreLoop, readonly logger: Logger) {}

  attach (call: LauncherCall): void {
    call.on('data', ({ hello }: LauncherMessage__Output) => {
      try {
        if (!hello) throw schedulerError('message_invalid', { reason: 'the first message must be hello' })
        const { attention, ffn } = hello
        const maxWorkersPerRole = hello._maxWorkersPerRole === undefined ? undefined : hello.maxWorkersPerRole
        this.loop.post({ type: 'launcherAttached', attention, ffn, ...(maxWorkersPerRole === undefined ? {} : { maxWorkersPerRole }) })
        this.#call = call
        this.logger.info({ attention, ffn, maxWorkersPerRole }, 'launcher attached')
      } catch (error) {
        if (!isTandemError(error)) throw error
        call.emit('error', toServiceError(error))
      }
    })
    const leave = (): void => { this.#detach(call) }
    call.on('end', () => { leave(); call.end() })
    call.on('cancelled', leave)
    call.on('close', leave)
    call.on('error', leave)
  }

  send (attention: number, ffn: number): void { this.#call?.write({ attention, ffn }) }

  close (): void { this.#call?.emit('error', toServiceError(schedulerError('shutting_down'))) }

  #detach (call: LauncherCall): void {
    if (this.#call !== call) return
    this.#call = undefined
    this.loop.post({ type: 'launcherDetached' })
    this.logger.info('launcher detached')
  }
}
