import { readdir, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileHandles } from '../../src/reading/file-handles.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

async function numOpenUnder (directory: string): Promise<number> {
  const descriptors = await readdir('/proc/self/fd')
  const targets = await Promise.all(descriptors.map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return targets.filter(target => target.startsWith(directory)).length
}

describe('FileHandles', () => {
  it.skipIf(process.platform !== 'linux')('keeps at most its limit of idle files open, and none after close', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `f${i}`)
    const directory = await temporaryDirectory(Object.fromEntries(names.map((name, i) => [name, Uint8Array.of(i)])))
    const files = new FileHandles(3)
    const readAll = (): Promise<number[]> => Promise.all(names.map(name => files.with(join(directory, name), async handle => {
      const { buffer } = await handle.read(new Uint8Array(1), 0, 1, 0)
      return buffer[0] ?? -1
    })))
    expect(await readAll()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await numOpenUnder(directory)).toBeLessThanOrEqual(3)
    expect(await readAll()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    await files.close()
    expect(await numOpenUnder(directory)).toBe(0)
  })

  it('opens a file once for users at the same time, and again after a failure', async () => {
    const directory = await temporaryDirectory()
    const files = new FileHandles(2)
    const path = join(directory, 'late')
    await expect(files.with(path, async () => 1)).rejects.toMatchObject({ code: 'model_file_unreadable' })
    await writeFile(path, 'x')
    const handles = await Promise.all([1, 2].map(() => files.with(path, async handle => handle)))
    expect(handles[0]).toBe(handles[1])
    await files.close()
  })
})
