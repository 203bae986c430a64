// Owns the last line of a CI run, from vitest's JSON report. A file that could not even be loaded counts as one failure.
import { readFileSync } from 'node:fs'

function count (path) {
  let report
  try {
    report = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return { numPassed: 0, numFailed: 1 }
  }
  const numBrokenFiles = report.testResults.filter(file => file.status === 'failed' && file.assertionResults.length === 0).length
  return { numPassed: report.numPassedTests, numFailed: report.numFailedTests + numBrokenFiles }
}

const { numPassed, numFailed } = count(process.argv[2])
console.log(`${numPassed} passed, ${numFailed} failed`)
