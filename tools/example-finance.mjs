// `npm run example:finance`: eight GPUs on credit on a local chain whose clock is moved, repaid once and defaulted once.
//   --json   prints one summary object last; everything else goes to stderr
//   --once   without pauses between the lines
import { bootstrap, must } from './bootstrap.mjs'

bootstrap()
must('node', [
  '--conditions=source',
  '--import',
  'tsx',
  'examples/finance/src/main.ts',
  ...process.argv.slice(2),
])
