import { expect, test } from 'vitest'
import { parseFigures, runSelfMeasured } from '../../src/serve/self-measured.js'

const line = '{"engine": "x", "decode": {"1": 70.5, "8": 220, "32": "?"}, "prefill": 600}'
const never = new AbortController().signal
const env = { PATH: process.env['PATH'] }

test('the last line is the result', () => {
  expect(parseFigures(`loading\n${line}\n`)?.figures).toEqual({ decode_1: 70.5, decode_8: 220, prefill: 600 })
  expect(parseFigures(line)?.printed).toMatchObject({ engine: 'x' })
  for (const output of ['', 'no json', '{}', '[]', 'null', `${line}\ndone`]) expect(parseFigures(output)).toBeUndefined()
})

test('a command is run by the shell; how it failed is said', async () => {
  expect((await runSelfMeasured('openvino', `echo '${line}'`, env, never)).figures['prefill']).toBe(600)
  await expect(runSelfMeasured('openvino', 'echo broken >&2; exit 3', env, never)).rejects
    .toThrow('the openvino command failed: code 3: broken')
  await expect(runSelfMeasured('openvino', 'echo nothing', env, never)).rejects.toThrow('its last line is not')
})

test('a command ends with the run', async () => {
  const controller = new AbortController()
  const running = runSelfMeasured('openvino', 'sleep 60; echo', env, controller.signal)
  controller.abort(new Error('interrupted'))
  await expect(running).rejects.toThrow('interrupted')
})
