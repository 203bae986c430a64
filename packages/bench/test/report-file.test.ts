import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeReport } from '../src/report-file.js'

test('a report is written where asked, and a place that cannot be written is named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-test-'))
  writeReport(undefined, { a: 1 })
  writeReport(join(folder, 'report.json'), { a: 1 })
  expect(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))).toEqual({ a: 1 })
  const missing = join(folder, 'missing', 'report.json')
  expect(() => writeReport(missing, {})).toThrow(`cannot write ${missing}: ENOENT`)
  rmSync(folder, { recursive: true })
})
