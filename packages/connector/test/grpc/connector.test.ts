// What the gRPC listener says of peers that do not speak gRPC; all else is in the conformance suite.
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { createGrpcConnector } from '../../src/grpc/connector.js'
import { parseAddress } from '../../src/tcp/connector.js'
import { hello, listenOptions } from '../support/frames.js'

it('counts bytes that are not HTTP/2, and goes on', async () => {
  const connector = createGrpcConnector({ clusterToken: 'secret' })
  const listener = await connector.listen(listenOptions)
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x02\x00\x01', 'PRI * HTTP/1.0\r\n']) {
    const socket = connect(parseAddress(listener.endpoint.address)).on('error', () => {})
    socket.resume().write(bytes, 'latin1')
    await new Promise(resolve => { socket.once('close', resolve) })
  }
  expect(listener.stats().refused).toEqual({ malformed: 3 })
  const channel = await connector.connect(listener.endpoint, { hello: hello(), maxInFlight: 1, connectTimeoutMs: 10_000 })
  await channel.close()
  await listener.close()
})
