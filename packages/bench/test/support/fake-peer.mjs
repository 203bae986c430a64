// Owns a server as `--peer-command` starts one: `fake-peer.mjs PORT` answers 503 at first, then serves; `fake-peer.mjs PORT fail` ends.
import { createServer } from 'node:http'

const [port, mood] = process.argv.slice(2)
if (mood === 'fail') {
  process.stderr.write('starting\nno such model\n')
  process.exit(3)
}

let numProbes = 0
createServer((request, response) => {
  if (request.url === '/health') response.writeHead(numProbes++ === 0 ? 503 : 200).end()
  else response.end('{"data":[{"id":"peer-model"}]}')
}).listen(Number(port), '127.0.0.1')
