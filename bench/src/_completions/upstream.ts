// A server of OpenAI's API in a process of its own, which takes as many milliseconds as its prompt begins with: the same answer each time,
// whole or streamed.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const usage = { prompt_tokens: 8, completion_tokens: 16, total_tokens: 24 }
const head = { id: 'cmpl-1', created: 1, model: 'bench' }
const body = JSON.stringify({
  ...head,
  object: 'text_completion',
  choices: [{ index: 0, text: 'a piece of text '.repeat(4), logprobs: null, finish_reason: 'length' }],
  usage,
})
const piece = `data: ${JSON.stringify({ ...head, object: 'text_completion', choices: [{ index: 0, text: 'text', logprobs: null, finish_reason: null }] })}\n\n`
const tail = `data: ${JSON.stringify({ ...head, choices: [], usage })}\n\ndata: [DONE]\n\n`

const server = createServer(async (request, response) => {
  let text = ''
  for await (const chunk of request) text += chunk
  const { stream, prompt } = JSON.parse(text)
  const isStreamed = stream === true
  setTimeout(
    () => {
      response.writeHead(200, { 'content-type': isStreamed ? 'text/event-stream' : 'application/json' })
      if (!isStreamed) return response.end(body)
      for (let at = 0; at < 16; at++) response.write(piece)
      return response.end(tail)
    },
    Number.parseInt(prompt, 10),
  )
})
process.on('SIGINT', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.stdout.write(String((server.address() as AddressInfo).port)))
