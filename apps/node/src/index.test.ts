import { expect, test } from 'vitest'
import * as node from './index.ts'

test('the public API is what it was', () => {
  expect(Object.keys(node).sort()).toEqual([
    'NodeCommandError',
    'NodeError',
    'NodeNotRunningError',
    'NodeRunningError',
    'controlClient',
    'createLog',
    'decryptKey',
    'detectMachine',
    'encryptKey',
    'initNode',
    'loadConfig',
    'nodeConfigSchema',
    'nodePaths',
    'parseConfig',
    'startNode',
  ])
})
