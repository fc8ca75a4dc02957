// `npm run example:agents`: agents that live from each other on a local network of their own, and an audit of what they moved.
//   --json       prints one summary object last; everything else goes to stderr
//   --once       about half a minute instead of two
//   --seconds N  how long they live
import { bootstrap, must } from './bootstrap.mjs'

bootstrap()
must('node', [
  '--conditions=source',
  '--import',
  'tsx',
  'examples/economy/src/main.ts',
  ...process.argv.slice(2),
])
