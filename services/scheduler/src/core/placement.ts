// Owns which attention worker a waiting sequence goes to: filter, scorer, picker. First come, first served;
// blocks for every known token are taken at once, so a prefill never runs out of blocks half way.
import { assert } from '@tandem/core'
import { clusterMaxModelLen, lengthError } from './admission.js'
import type { AttentionWorker } from './attention-worker.js'
import type { Books } from './books.js'
import type { Sequence } from './sequence.js'

/** Blocks kept free for the sequences that already run, so that a placement is not undone by the next step: 1 %. */
const WATERMARK = 0.01
/** A prefix hit saves computing, a free pool saves preemptions, a short list of sequences saves time per step. */
const WEIGHTS = { prefix: 2, freeBlocks: 1, load: 1 } as const

/** Places waiting sequences until the oldest one that could go finds no room. `canRun` says which workers have an FFN side. */
export function placeWaiting (books: Books, canRun: (worker: AttentionWorker) => boolean): void {
  if (books.waiting.size === 0) return
  const workers = [...books.attention.values()].filter(worker => !worker.isDraining && canRun(worker))
  let index = 0
  while (index < books.waiting.size) {
    const sequence = books.waiting.at(index)!
    // Tokens of a preempted sequence may still be on their way: placing it now would compute them twice.
    if (sequence.numInFlightLines > 0) { index++; continue }
    const error = lengthError(sequence.numPromptTokens, sequence.maxTokens, clusterMaxModelLen(books))
    if (error) { books.finish(sequence, 'error', error); continue }
    const worker = pickWorker(books, sequence, workers)
    if (!worker) return
    books.waiting.removeAt(index)
    place(books, sequence, worker)
  }
}

function pickWorker (books: Books, sequence: Sequence, workers: readonly AttentionWorker[]): AttentionWorker | undefined {
  let best: AttentionWorker | undefined
  let bestScore = -Infinity
  for (const worker of workers) {
    if (worker.running.length >= books.options.maxNumSeqs) continue
    if (sequence.numPromptTokens + sequence.maxTokens > worker.maxModelLen) continue
    const numCachedBlocks = countHits(books, sequence, worker)
    if (!hasRoom(books, sequence, worker, numCachedBlocks)) continue
    const score = scoreWorker(books, sequence, worker, numCachedBlocks)
    if (score > bestScore) { best = worker; bestScore = score }
  }
  return best
}

function countHits (books: Books, sequence: Sequence, worker: AttentionWorker): number {
  const { blockSize } = worker.blocks
  return worker.blocks.countCachedBlocks(
    sequence.blockHashes(books.blockRoot, blockSize), Math.floor(sequence.maxCachedTokens / blockSize))
}

function hasRoom (books: Books, sequence: Sequence, worker: AttentionWorker, numCachedBlocks: number): boolean {
  const { blocks } = worker
  const hashes = sequence.blockHashes(books.blockRoot, blocks.blockSize)
  const needed = blocks.countBlocksNeeded(sequence.tokenIds.length, hashes, numCachedBlocks)
  const reserve = worker.running.length === 0 ? 0 : Math.ceil(blocks.numBlocks * WATERMARK)
  return needed + reserve <= blocks.numFreeBlocks
}

function scoreWorker (books: Books, sequence: Sequence, worker: AttentionWorker, numCachedBlocks: number): number {
  const { blocks } = worker
  return WEIGHTS.prefix * (numCachedBlocks * blocks.blockSize) / sequence.tokenIds.length +
    WEIGHTS.freeBlocks * blocks.numFreeBlocks / blocks.numBlocks +
    WEIGHTS.load * (1 - worker.running.length / books.options.maxNumSeqs)
}

function place (books: Books, sequence: Sequence, worker: AttentionWorker): void {
  const { blocks } = worker
  const hashes = sequence.blockHashes(books.blockRoot, blocks.blockSize)
  const allocation = blocks.allocate(
    sequence.tokenIds.length, hashes, Math.floor(sequence.maxCachedTokens / blocks.blockSize))
  assert(allocation, `the room for request ${sequence.requestId} vanished between filter and placement`)
  for (const blockId of allocation.blockTable) sequence.blockTable.push(blockId)
  if (!sequence.hasPlacement) books.counters.numCachedTokens += allocation.numCachedBlocks * blocks.blockSize
  sequence.enterWorker(worker, books.nextSeqId(), allocation.numCachedBlocks * blocks.blockSize)
  worker.addRunning(sequence)
  books.numRunning++
  if (sequence.stall?.code === 'no_worker_available') sequence.stall = undefined
}
