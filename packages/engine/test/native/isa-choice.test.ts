// TANDEM_ISA is read once by a process: each case asks a process of its own.
import { execFileSync } from 'node:child_process'
import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { loadAddon } from '../../src/native/load-addon.js'
import { availablePaths, skipReason } from './support/kernel-cases.js'

const script = `
const { isaName, setComputeDtype } = require(process.argv[1])
const names = [isaName()]
if (setComputeDtype('bf16')) names.push(isaName())
setComputeDtype('int8')
names.push(isaName())
console.log(JSON.stringify(names))
`

/** The path that is active at first, in bf16 where the CPU has it, and back in int8. */
function pathsOf (isa: string | undefined): string[] {
  const native = loadAddon('tandem_native')
  if (!native.loaded) throw new Error(native.reason)
  const env = { ...process.env }
  delete env['TANDEM_ISA']
  if (isa !== undefined) env['TANDEM_ISA'] = isa
  return JSON.parse(execFileSync(process.execPath, ['-e', script, native.path], { env, encoding: 'utf8' })) as string[]
}

const names = { portable: 'portable', avx2: 'AVX2', avx2_vnni: 'AVX2 VNNI', avx512: 'AVX-512 VNNI', amx: 'AMX', neon: 'NEON', neon_dotprod: 'NEON dotprod', neon_i8mm: 'NEON i8mm' }
const rounding = availablePaths.map(({ isa }) => isa).filter(isa => isa !== 'amx_bf16')
const hasBf16 = availablePaths.length > rounding.length

describe.skipIf(skipReason !== '')('the path of a process', () => {
  test.each(rounding)('is %s when TANDEM_ISA says so, and again after bf16', isa => {
    expect(pathsOf(isa)).toEqual([names[isa], ...(hasBf16 ? ['AMX BF16'] : []), names[isa]])
  })

  test('is the best one that rounds to 8 bits when nothing is said, or nonsense', () => {
    const best = names[rounding.at(-1)!]
    for (const isa of [undefined, 'sse9']) expect(pathsOf(isa)).toEqual([best, ...(hasBf16 ? ['AMX BF16'] : []), best])
  })

  test.skipIf(!hasBf16)('is bf16 when TANDEM_ISA says so, until int8 is asked for', () => {
    expect(pathsOf('amx_bf16')).toEqual(['AMX BF16', 'AMX BF16', names[rounding.at(-1)!]])
  })
})
