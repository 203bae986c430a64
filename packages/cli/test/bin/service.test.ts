import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

async function startService (name: string): Promise<ChildProcess> {
  const child = fork(pathOf('../../bin/service.mjs'), [pathOf(`../support/${name}.mjs`), 'gateway'], { silent: true })
  await once(child.stdout ?? child, 'data')
  return child
}

test('a service ends when its launcher is gone', async () => {
  const child = await startService('fake-service')
  child.disconnect()
  expect(await once(child, 'exit')).toEqual([0, null])
})

test.each(['launcher gone', 'stopped before it notices'])('with nobody to read its log, it still ends (%s)', async how => {
  const child = await startService('talkative-service')
  child.stdout?.destroy()
  child.stderr?.destroy()
  if (how === 'launcher gone') child.disconnect()
  else child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})
