// Owns the additions of the virtual-shard tree: inside a worker from leaves to subtree roots, and on the attention side from
// the roots every worker sent to the root of the layer. Every addition is left + right, rounded to float32.
import { assert, NUM_VIRTUAL_SHARDS } from '@tandem/core'

/** left + right elementwise, into a new array. */
export function addPartials (left: Float32Array, right: Float32Array): Float32Array {
  const sum = new Float32Array(left.length)
  for (let i = 0; i < sum.length; i++) sum[i] = left[i]! + right[i]!
  return sum
}

/** The value of `node`: its leaf, or the sum of its children. `leaf(shard)` is called once per leaf under it, left to right. */
export function sumSubtree (node: number, leaf: (shard: number) => Float32Array): Float32Array {
  if (node >= NUM_VIRTUAL_SHARDS) return leaf(node - NUM_VIRTUAL_SHARDS)
  return addPartials(sumSubtree(2 * node, leaf), sumSubtree(2 * node + 1, leaf))
}

/**
 * Finishes the tree: `nodes` are heap ids that together cover every leaf once, in any order; `partials[i]` is the value of `nodes[i]`.
 * Returns the root's value, [numTokens, hiddenSize]; the inputs are left as they are.
 */
export function combinePartials (nodes: readonly number[], partials: readonly Float32Array[]): Float32Array {
  const values = new Map(nodes.map((node, i) => [node, partials[i]!]))
  assert(values.size === nodes.length && nodes.length === partials.length, 'every node has one partial')
  const valueOf = (node: number): Float32Array => {
    const given = values.get(node)
    if (given !== undefined) return given
    assert(node < NUM_VIRTUAL_SHARDS, `leaf ${node - NUM_VIRTUAL_SHARDS} is missing`)
    return addPartials(valueOf(2 * node), valueOf(2 * node + 1))
  }
  return valueOf(1)
}
