/** Prints `N passed, N failed` from vitest's JSON report and the other checks, and exits 1 if anything failed. */
import { existsSync, readFileSync } from 'node:fs'

const [, , report = '', testsStatus = '1', checksPassed = '0', checksFailed = '0'] = process.argv

const totals = existsSync(report)
  ? JSON.parse(readFileSync(report, 'utf8'))
  : { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, testResults: [] }

/** @typedef {{ name: string, status: string, message: string, assertionResults: readonly { status: string }[] }} TestFile */

// A file that does not even load has no failed test in it, and a crashed run may have no failed file: each counts as one.
const broken = totals.testResults.filter(
  (/** @type {TestFile} */ file) =>
    file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
)
for (const file of broken) console.log(`FAILED to load ${file.name}: ${file.message}`)
const found = totals.numFailedTests + broken.length
const crashed = found === 0 && testsStatus !== '0'
if (crashed) console.log(`FAILED: npm test exited with ${testsStatus}`)

const passed = totals.numPassedTests + Number(checksPassed)
const failed = found + (crashed ? 1 : 0) + Number(checksFailed)
if (totals.numPendingTests > 0) console.log(`${totals.numPendingTests} tests were SKIPPED; each says why above`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
