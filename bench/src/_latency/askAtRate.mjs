// A client in a thread of its own: asks at a rate, whatever is answered by then, and posts how long each answer took.
import { Agent, request } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'

const { port, path, headers, perSecond, header, body } = workerData
const agent = new Agent({ keepAlive: true, maxSockets: 64 })

const ask = (payment) =>
  new Promise((done, failed) => {
    const started = performance.now()
    const given = payment === '' ? {} : { [header]: payment }
    const method = body === undefined ? 'GET' : 'POST'
    const to = { port, host: '127.0.0.1', path, method, headers: given, agent }
    const outgoing = request(to, (incoming) => {
      incoming.resume()
      incoming.once('end', () =>
        incoming.statusCode === 200
          ? done(performance.now() - started)
          : failed(new RangeError(`answered with ${incoming.statusCode}`)),
      )
    })
    outgoing.once('error', failed)
    outgoing.end(body)
  })

const begun = performance.now()
const answers = []
while (answers.length < headers.length) {
  while (answers.length < headers.length && answers.length < ((performance.now() - begun) / 1000) * perSecond)
    answers.push(ask(headers[answers.length]))
  await new Promise((done) => setTimeout(done, 1))
}
parentPort.postMessage(await Promise.all(answers))
agent.destroy()
