import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

test('a service ends when its launcher is gone', async () => {
  const child = fork(pathOf('../../bin/service.mjs'), [pathOf('../support/fake-service.mjs'), 'gateway'], { silent: true })
  child.stdout?.resume()
  await once(child.stdout ?? child, 'data')
  child.disconnect()
  expect(await once(child, 'exit')).toEqual([0, null])
})
