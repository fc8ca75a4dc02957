import { abandonedResult } from './job/abandonedResult.ts'
import { createJson, jobPaths, readPlan, readResult, writeJson } from './job/jobFolder.ts'
import { processIdentity } from './job/processIdentity.ts'
import { closeInheritedFiles } from './launch/closeInheritedFiles.ts'
import { supervise } from './supervise.ts'

/**
 * Entry of a job's supervisor: a process of its own, started by the runner and outliving it. Its only argument is the job's
 * folder. Making the claim decides who runs the job; a second supervisor leaves without a trace.
 */
closeInheritedFiles()
// The job inherits it; the job folder itself is closed to others.
process.umask(0o022)
const paths = jobPaths(process.argv[2] ?? '')
const plan = readPlan(paths)
const self = processIdentity(process.pid)
if (plan !== null && self !== null && createJson(paths.claim, { supervisor: self })) {
  try {
    await supervise(plan, paths)
  } catch (error) {
    // Nobody else can tell the node: what is printed here is in the job's supervisor.log.
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    if (readResult(paths) === null)
      writeJson(
        paths.result,
        abandonedResult(
          paths,
          `The supervisor failed: ${error instanceof Error ? error.message : String(error)}`,
        ),
      )
  }
}
process.exit(0)
