import type { Answer } from './answerText.ts'
import type { ModelCall } from './modelCall.ts'

/** An answer or event as it came, with the model by the name under which it is sold. */
export function renamed(answer: Answer, text: string, call: ModelCall): string {
  const name = call.model.id
  return answer.model === undefined || answer.model === name
    ? text
    : JSON.stringify(Object.assign({}, answer, { model: name }))
}
