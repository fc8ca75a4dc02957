import { defineConfig } from 'vitest/config'

const deep = process.env.MILLRACE_DEEP !== undefined

/** One configuration for every workspace; packages resolve to their sources, never to a stale build. */
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
  test: {
    include: [
      'test/**/*.test.ts',
      'packages/*/{src,test}/**/*.test.ts',
      'apps/*/{src,test}/**/*.test.ts',
      'examples/*/{src,test}/**/*.test.ts',
    ],
    setupFiles: ['test/seed.setup.ts'],
    // The long campaigns run with `npm run test:deep` only, and take as long as they take.
    exclude: ['**/node_modules/**', '**/dist/**', ...(deep ? [] : ['**/*.deep.test.ts'])],
    pool: 'forks',
    maxWorkers: 2,
    // `eventsource-parser` has a `source` condition of its own, which Node cannot read untransformed; the other asks for it.
    server: { deps: { inline: [/sdk\/dist\/esm\/client\/streamableHttp/, /eventsource-parser/] } },
    // Limits end what hangs; they never measure. A loaded machine is ten times slower than an idle one.
    testTimeout: deep ? 3_600_000 : 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000, interval: 25 } },
  },
})
