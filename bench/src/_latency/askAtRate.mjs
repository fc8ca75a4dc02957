// A client in a thread of its own: asks at a rate, whatever is answered by then, and posts how long each answer took. It writes what
// was made beforehand to connections that are open, and keeps next to nothing: a client that compiles and collects while it measures
// takes the processor from who is measured.
import { connect } from 'node:net'
import { parentPort } from 'node:worker_threads'

/** Milliseconds of the system's clock, which all processes share. */
const clock = () => Number(process.hrtime.bigint()) / 1e6

const lastChunk = '\r\n0\r\n\r\n'

/** Whether `got`, from its status line on, is a whole answer. */
function isWhole(got) {
  const head = got.indexOf('\r\n\r\n')
  if (head === -1) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(got.latin1Slice(0, head + 2))
  if (length !== null) return got.length === head + 4 + Number(length[1])
  return got.latin1Slice(Math.max(0, got.length - lastChunk.length)) === lastChunk
}

/** Opens a connection that is one of `idle` between two answers. */
function open(port, idle) {
  const connection = { socket: connect({ port, host: '127.0.0.1', noDelay: true }), waiting: null }
  let got = null
  connection.socket.on('data', (piece) => {
    got = got === null ? piece : Buffer.concat([got, piece])
    if (!isWhole(got)) return
    const { waiting } = connection
    const status = got.latin1Slice(9, 12)
    got = null
    connection.waiting = null
    idle.push(connection)
    if (status === '200') waiting.done()
    else waiting.failed(new RangeError(`answered with ${status}`))
  })
  connection.socket.on('error', (error) => connection.waiting?.failed(error))
  connection.socket.on('close', () => {
    connection.waiting?.failed(new RangeError('the connection was closed'))
    const at = idle.indexOf(connection)
    if (at !== -1) idle.splice(at, 1)
  })
  return connection
}

function askAll(port, requests, perSecond) {
  const idle = []
  const connections = new Set()
  const connected = () => {
    const connection = open(port, idle)
    connections.add(connection)
    return connection
  }
  for (let count = 0; count < 32; count++) idle.push(connected())
  const began = new Float64Array(requests.length)
  const took = new Float64Array(requests.length)
  return new Promise((resolve, reject) => {
    let begun = 0
    let asked = 0
    let left = requests.length
    function send(index) {
      const connection = idle.pop() ?? connected()
      began[index] = clock()
      const done = () => {
        took[index] = clock() - began[index]
        if (--left > 0) return
        for (const { socket } of connections) socket.destroy()
        resolve({ began, took })
      }
      connection.waiting = { done, failed: reject }
      connection.socket.write(requests[index])
    }
    function tick() {
      const due = ((clock() - begun) / 1000) * perSecond
      while (asked < requests.length && asked < due) send(asked++)
      if (asked < requests.length) setTimeout(tick, 1)
    }
    setTimeout(() => {
      begun = clock()
      tick()
    }, 50)
  })
}

parentPort.on('message', ({ port, requests, perSecond }) => {
  askAll(port, requests, perSecond).then(
    (times) => parentPort.postMessage(times),
    (error) => {
      throw error
    },
  )
})
