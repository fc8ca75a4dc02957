import { parse } from '@millrace/sdk'
import * as z from 'zod'

/** What a tool answers: `value` for programs, `text` for models. */
export interface ToolAnswer<value> {
  readonly value: value
  readonly text: string
}

/** How a tool is described to clients. */
interface ToolDescription {
  readonly name: string
  readonly title: string
  readonly description: string
  /** Whether it changes nothing and costs nothing. */
  readonly isReadOnly: boolean
}

/** A tool as the server sees it: what it takes is checked inside. */
export interface Tool extends ToolDescription {
  readonly inputSchema: Readonly<Record<string, unknown>>
  readonly outputSchema: Readonly<Record<string, unknown>>
  /** @throws InvalidInputError for a wrong input, and what the tool throws. */
  call(input: unknown): Promise<ToolAnswer<Readonly<Record<string, unknown>>>>
}

/**
 * Makes a tool of two schemas and a function. An input with a field that the tool does not know is refused: a limit that is
 * misspelt must not be left out silently.
 */
export function defineTool<input extends z.ZodObject, output extends z.ZodObject>(
  options: ToolDescription & {
    readonly input: input
    readonly output: output
    readonly call: (input: z.output<input>) => Promise<ToolAnswer<z.input<output>>>
  },
): Tool {
  const { input, output, call, ...description } = options
  return {
    ...description,
    inputSchema: z.toJSONSchema(input, { io: 'input' }),
    outputSchema: z.toJSONSchema(output, { io: 'input' }),
    async call(given) {
      return call(parse(input, given ?? {}, `input of tool ${description.name}`))
    },
  }
}
