/**
 * Lets a test process answer its parent between two tests: some compile TypeScript for seconds without a pause, and after a
 * minute without an answer the whole run counts as failed.
 */
import { afterEach } from 'vitest'

afterEach(() => new Promise((resolve) => setImmediate(resolve)))
