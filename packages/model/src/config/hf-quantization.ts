// Owns quantization_config: Tandem reads block FP8 as DeepSeek and Step-3 write it, and refuses other methods by name.
import type { ScaleBlock } from '../weights/tensor-resolver.js'
import type { KeyReader } from './key-reader.js'

/** Block of the FP8 scales, or undefined when the checkpoint is not quantised. Throws `config_key_unsupported`. */
export function readScaleBlock (config: KeyReader): ScaleBlock | undefined {
  const quantization = config.record('quantization_config') ?? config.record('text_config')?.record('quantization_config')
  if (quantization === undefined) return undefined
  if (quantization.string('quant_method') !== 'fp8') throw quantization.unsupported('quant_method', 'only fp8 is')
  if (quantization.string('fmt', 'e4m3') !== 'e4m3') throw quantization.unsupported('fmt', 'only e4m3 is')
  const [rows, columns, ...more] = quantization.integerList('weight_block_size', [])
  if (!rows || !columns || more.length > 0) throw quantization.invalid('weight_block_size', '[rows, columns]')
  return { rows, columns }
}
