import { createProgram } from './program.ts'
import { endWithError } from './reportError.ts'

// A reader that went away, as in `millrace offers | head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  await createProgram().parseAsync()
} catch (error) {
  await endWithError(error)
}
