// Owns the words for what the operating system refused.
import { getSystemErrorMap } from 'node:util'

/** `no such file or directory` */
export function systemReason (error: unknown): string {
  const { errno, code } = error as NodeJS.ErrnoException
  const [, words] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? []
  return words ?? code ?? 'unknown'
}
