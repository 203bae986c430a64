// The gate over real sockets: what it lets in whole, what it turns away, what it does not call a refusal.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Http2Gate } from '../src/http2-gate.js'

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
let admitted: Socket[]
let refused: string[]
let gate: Http2Gate
let port: number

async function open (prefaceTimeoutMs = 60_000): Promise<void> {
  gate = new Http2Gate({
    admit: socket => { admitted.push(socket); socket.on('error', () => {}) },
    onRefused: ({ firstBytes }) => { refused.push(firstBytes.toString('latin1')) },
    prefaceTimeoutMs
  })
  port = await gate.listen('127.0.0.1', 0)
}

async function dial (): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** A reset is an end too. */
function closed (socket: Socket): Promise<void> {
  return new Promise(resolve => { socket.once('close', () => { resolve() }) })
}

beforeEach(() => { admitted = []; refused = [] })
afterEach(() => {
  gate.close()
  for (const socket of admitted) socket.destroy()
})

test.each([
  ['HTTP/1', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01'],
  ['one byte', '\0'],
  ['a preface that goes wrong late', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'],
  ['much of nothing', 'x'.repeat(100_000)]
])('turns away %s', async (_name, bytes) => {
  await open()
  const socket = await dial()
  const end = closed(socket)
  socket.resume().write(bytes, 'latin1')
  await end
  expect(refused).toEqual([bytes.slice(0, preface.length)])
  expect(admitted).toEqual([])
})

test('lets HTTP/2 in with all it sent, however it was cut', async () => {
  await open()
  const socket = await dial()
  const text = `${preface}and frames`
  for (const byte of text) {
    socket.write(byte)
    await new Promise(resolve => { setImmediate(resolve) })
  }
  socket.end()
  while (admitted.length === 0) await new Promise(resolve => { setImmediate(resolve) })
  let received = ''
  for await (const chunk of admitted[0]!) received += String(chunk)
  expect(received).toBe(text)
  expect(refused).toEqual([])
})

test('counts a preface that is cut off, not a peer that says nothing', async () => {
  await open()
  const probe = await dial()
  probe.resume().end()
  await closed(probe)
  const cutOff = await dial()
  cutOff.resume().end('PRI * HT')
  await closed(cutOff)
  expect(refused).toEqual(['PRI * HT'])
})

test('closes who waits too long', async () => {
  await open(1)
  const silent = await dial()
  await closed(silent.resume())
  expect(refused).toEqual([])
})

test('closes who is not let in yet when it closes', async () => {
  await open()
  const socket = await dial()
  socket.resume().write('PRI')
  await new Promise(resolve => { setImmediate(resolve) })
  gate.close()
  await closed(socket)
  expect(admitted).toEqual([])
})
