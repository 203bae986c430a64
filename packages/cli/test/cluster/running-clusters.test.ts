import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findCluster } from '../../src/cluster/find-cluster.js'
import { RunningClusters } from '../../src/cluster/running-clusters.js'
import { memoryTerminal } from '../support/memory-terminal.js'
import { stopSwitch } from '../support/stop-switch.js'

let folder: string
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'tandem-test-')) })
afterEach(() => { rmSync(folder, { recursive: true }) })

const context = () => ({ terminal: memoryTerminal(), env: { XDG_RUNTIME_DIR: folder }, onStopSignal: stopSwitch().onStopSignal })
const here = (port: number) => ({ pid: process.pid, port, schedulerAddress: `127.0.0.1:${port + 1}`, clusterToken: `token of ${port}` })
const numberOfNobody = 2 ** 22 + 1

test('lists live clusters only, and forgets removed ones', () => {
  const running = new RunningClusters(context().env)
  expect(running.list()).toEqual([])
  running.add(here(8000))
  running.add({ ...here(8100), pid: numberOfNobody })
  expect(running.list()).toEqual([here(8000)])
  expect(statSync(join(folder, 'tandem')).mode & 0o777).toBe(0o700)
  running.add(here(8200))
  expect(readdirSync(join(folder, 'tandem'))).toEqual(['up-8000.json', 'up-8200.json'])
  running.remove(8000)
  running.remove(8200)
  expect(running.list()).toEqual([])
})

test('a cluster is commanded with its own token, or the one given', () => {
  const running = new RunningClusters(context().env)
  running.add(here(8000))
  expect(findCluster({}, context()).clusterToken).toBe('token of 8000')
  expect(findCluster({ schedulerAddress: '127.0.0.1:8001' }, context()).clusterToken).toBe('token of 8000')
  expect(findCluster({ schedulerAddress: 'far:1' }, context()).clusterToken).toBe('')
  expect(findCluster({ clusterToken: 'mine' }, context()).clusterToken).toBe('mine')
  expect(findCluster({ schedulerAddress: 'far:1', clusterToken: 'mine' }, context()).clusterToken).toBe('mine')
  expect(statSync(join(folder, 'tandem', 'up-8000.json')).mode & 0o777).toBe(0o600)
})

test('the only cluster is found; several need --port; an address wins', () => {
  expect(() => findCluster({}, context())).toThrow('no cluster found')
  const running = new RunningClusters(context().env)
  running.add(here(8000))
  expect(findCluster({}, context()).address).toBe('127.0.0.1:8001')
  running.add(here(8100))
  expect(() => findCluster({}, context())).toThrow('several clusters run here (ports 8000, 8100): choose one with --port')
  expect(findCluster({ port: '8100' }, context()).address).toBe('127.0.0.1:8101')
  expect(findCluster({ schedulerAddress: 'far:1' }, context()).address).toBe('far:1')
})
