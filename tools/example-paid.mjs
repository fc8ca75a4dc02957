// `npm run example:paid`: one paid completion on a local chain of its own, and who got what of it.
//   --json       prints one summary object last; everything else goes to stderr
//   --prompt T   what the model continues
//   --model DIR  serves the model in that folder instead of one that is trained for a moment
import { bootstrap, must } from './bootstrap.mjs'

bootstrap()
must('node', [
  '--conditions=source',
  '--import',
  'tsx',
  'examples/paid-completion/src/main.ts',
  ...process.argv.slice(2),
])
