import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Forked processes, because each test process holds one GPU device; two, because a software adapter uses every core. */
export default defineConfig({
  // Architectures import this package by its name.
  resolve: {
    alias: [
      { find: /^thetagrad$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) },
      { find: 'thetagrad/training', replacement: fileURLToPath(new URL('src/training.ts', import.meta.url)) },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/breathe.ts'],
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    // What the user's own tuning found must not decide which kernels are tested.
    env: { THETAGRAD_CACHE: join(tmpdir(), 'thetagrad-test-cache') },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // A driver's crash while a finished process is torn down is not a test's failure, but it must not hang the run.
    teardownTimeout: 5_000,
  },
})
