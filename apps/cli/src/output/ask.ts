import { confirm, isCancel, password } from '@clack/prompts'
import { ConfirmationRequiredError, DeclinedError } from '../errors/input.ts'

/**
 * Asks a person to agree.
 *
 * @throws ConfirmationRequiredError where nobody can be asked, DeclinedError if the answer is no.
 */
export async function askToAgree(question: string, flags: { yes?: boolean; json?: boolean }): Promise<void> {
  if (flags.yes === true) return
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true || flags.json === true)
    throw new ConfirmationRequiredError({ question })
  const answer = await confirm({ message: question })
  if (isCancel(answer) || !answer) throw new DeclinedError()
}

/** Asks for a passphrase without showing it. */
export async function askPassphrase(message: string): Promise<string> {
  const answer = await password({ message })
  if (isCancel(answer)) throw new DeclinedError()
  return answer
}
