import { createHash } from 'node:crypto'
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PartialFile } from '../src/partial-file.js'
import type { RepositoryFile } from '../src/repository.js'
import { temporaryDirectory } from './support/temporary-directory.js'

const content = Buffer.from('0123456789')
const gitSha1 = createHash('sha1').update('blob 10\0').update(content).digest('hex')
const file: RepositoryFile = { path: 'sub/f', name: 'f', sizeBytes: 10, checksum: { algorithm: 'git-sha1', hex: gitSha1 } }

describe('PartialFile', () => {
  it('goes on with what it finds and has the checksum of all of it', async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, 'f.partial'), content.subarray(0, 4))
    const partial = await PartialFile.open(directory, file)
    expect(partial.sizeBytes).toBe(4)
    await partial.append(content.subarray(4, 6))
    await partial.append(content.subarray(6))
    expect(partial.checksum()).toBe(gitSha1)
    await partial.complete(directory)
    await partial.close()
    expect(await readdir(directory)).toEqual(['f'])
    expect(await readFile(join(directory, 'f'))).toEqual(content)
  })

  it('drops what is too long, and everything when told to', async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, 'f.partial'), Buffer.alloc(11))
    const partial = await PartialFile.open(directory, file)
    expect(partial.sizeBytes).toBe(0)
    await partial.append(Buffer.from('wrong'))
    await partial.startOver()
    await partial.append(content)
    expect([partial.sizeBytes, partial.checksum()]).toEqual([10, gitSha1])
    await partial.close()
  })

  it('says so when the place cannot be written', async () => {
    const directory = await temporaryDirectory()
    await expect(PartialFile.open(join(directory, 'missing'), file)).rejects.toMatchObject({ code: 'hub_write_failed', facts: { file: 'sub/f' } })
  })

  it.skipIf(process.platform !== 'linux')('says so when the disk is full', async () => {
    const directory = await temporaryDirectory()
    await symlink('/dev/full', join(directory, 'f.partial'))
    const partial = await PartialFile.open(directory, file)
    await expect(partial.append(content)).rejects.toMatchObject({ code: 'hub_disk_full' })
    await partial.close()
  })
})
