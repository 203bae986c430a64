// gRPC as the fallback of the native backend: offered by an FFN worker beside shm and tcp over the same weights, and taken by an
// attention worker when nothing better is common to both.
import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isTandemError } from '@tandem/core'
import type { FfnEngine } from '@tandem/engine'
import type { Model } from '@tandem/model'
import { openGoldenModel } from '../reference/golden-models.js'
import { generate, newSequence, prompts, singleInstance, skipReason, startAttention, startCluster, startFfn } from './engine-support/cluster.js'

const disposeAll = (engines: ReadonlyArray<{ dispose (): Promise<void> }>) => Promise.all(engines.map(engine => engine.dispose()))
const greedy = (vocabSize: number) => prompts(3, vocabSize).map((tokenIds, i) => newSequence(i, tokenIds, 6, { logprobs: 1 }))

/** Somebody else may have taken one of the two ports meanwhile. */
async function startOnGivenPort (model: Model): Promise<{ readonly worker: FfnEngine, readonly port: number }> {
  for (;;) {
    const probe = await startFfn(model, 'cpu', 'tcp')
    await probe.dispose()
    const port = Number(probe.endpoints[0]!.address.split(':')[1])
    try {
      return { worker: await startFfn(model, 'cpu', 'auto', { port }), port }
    } catch (error) {
      if (!isTandemError(error) || !['bind_failed', 'listen_failed'].includes(error.code)) throw error
    }
  }
}

describe.skipIf(skipReason !== null)('gRPC on the native backend', () => {
  it('is offered last by an FFN worker, on the port after that of tcp', async () => {
    const model = await openGoldenModel('llama-bf16')
    const { worker, port } = await startOnGivenPort(model)
    expect(worker.endpoints.map(({ connector }) => connector)).toEqual(['shm', 'tcp', 'grpc'])
    expect(worker.endpoints.slice(1).map(({ address }) => address)).toEqual([`127.0.0.1:${port}`, `127.0.0.1:${port + 1}`])
    // gRPC's port is taken: the native listeners are closed again.
    const descriptors = readdirSync('/proc/self/fd').length
    await expect(startFfn(model, 'cpu', 'auto', { port: port - 1 })).rejects.toMatchObject({ code: expect.stringMatching('bind_failed|listen_failed') as string })
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(descriptors)
    await worker.dispose()
    const alone = await startFfn(model, 'cpu', 'grpc')
    expect(alone.endpoints.map(({ connector }) => connector)).toEqual(['grpc'])
    await alone.dispose()
  })

  it('says so when the port of tcp is taken', async () => {
    const model = await openGoldenModel('llama-bf16')
    const first = await startFfn(model, 'cpu', 'tcp')
    const port = Number(first.endpoints[0]!.address.split(':')[1])
    await expect(startFfn(model, 'cpu', 'tcp', { port })).rejects.toMatchObject({
      code: 'listen_failed', message: expect.stringContaining(`127.0.0.1:${port}: Address already in use`) as string
    })
    await first.dispose()
  })

  it('serves shm, tcp and gRPC at once with the same bits, from one copy of the weights', async () => {
    const model = await openGoldenModel('gguf-qwen3moe')
    const workers = [await startFfn(model, 'cpu', 'auto'), await startFfn(model, 'cpu', 'auto')]
    const topology = await singleInstance(1, 'ep', workers)
    const held = workers.map(({ info }) => info.weightBytes)
    const engines = await Promise.all((['shm', 'tcp', 'grpc'] as const).map((connector, i) => startAttention(model, 'cpu', connector, { workerNumber: i + 1 })))
    for (const { engine } of engines) await engine.setTopology(topology)
    const outputs = await Promise.all(engines.map(({ engine }) => generate(engine, greedy(model.config.vocabSize), 2)))
    expect(outputs[1]).toEqual(outputs[0])
    expect(outputs[2]).toEqual(outputs[0])
    const framesSent = engines.reduce((sum, { engine }) => sum + engine.stats().framesSent, 0)
    expect(workers[0]!.stats().numFrames).toBe(framesSent / workers.length)

    // The next epoch over the same leaves loads nothing, and the first one can go.
    await singleInstance(2, 'ep', workers)
    for (const worker of workers) worker.retire(2)
    expect(workers.map(({ info }) => info.weightBytes)).toEqual(held)
    await disposeAll([...engines.map(({ engine }) => engine), ...workers])
  })

  it('reaches a native worker from a reference one that speaks nothing else', async () => {
    const model = await openGoldenModel('llama-bf16')
    const worker = await startFfn(model, 'cpu', 'auto')
    const { engine } = await startAttention(model, 'reference', 'grpc')
    await engine.setTopology(await singleInstance(1, 'tp', [worker]))
    const { outputs } = await generate(engine, greedy(model.config.vocabSize))
    const native = await startCluster(model)
    expect(outputs).toEqual((await generate(native.engine, greedy(model.config.vocabSize))).outputs)
    await native.close()
    await disposeAll([engine, worker])
  })

  it('is found by itself when the FFN workers offer nothing else', async () => {
    const model = await openGoldenModel('gguf-llama')
    const onlyGrpc: FfnEngine[] = [await startFfn(model, 'cpu', 'grpc'), await startFfn(model, 'cpu', 'grpc')]
    const { engine } = await startAttention(model, 'cpu', 'auto')
    await engine.setTopology(await singleInstance(1, 'tp', onlyGrpc))
    const found = await generate(engine, greedy(model.config.vocabSize))
    const native = await startCluster(model)
    expect(found).toEqual(await generate(native.engine, greedy(model.config.vocabSize)))
    // Too late on an engine whose KV cache is in use.
    await expect(native.engine.setTopology(await singleInstance(2, 'tp', onlyGrpc))).rejects.toMatchObject({ code: 'no_common_connector' })
    await native.close()
    await disposeAll([engine, ...onlyGrpc])
  })

  it('leaves no thread or descriptor behind', async () => {
    const model = await openGoldenModel('gguf-llama')
    const count = (): number[] => ['/proc/self/task', '/proc/self/fd'].map(path => readdirSync(path).length)
    const once = async (): Promise<void> => {
      const cluster = await startCluster(model, { connector: 'grpc' })
      await generate(cluster.engine, [newSequence(0, [1, 2, 3], 2)])
      await cluster.close()
      await cluster.close()
      await disposeAll([await startFfn(model, 'cpu', 'auto')])
    }
    await once()
    const before = count()
    for (let i = 0; i < 6; i++) await once()
    count().forEach((value, i) => { expect(value).toBeLessThanOrEqual(before[i]! + 2) })
  })
})
