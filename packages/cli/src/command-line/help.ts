// Owns the examples and notes under --help.
import type { ServiceName } from '../services.js'

export const topHelp = `
Examples:
  tandem up                                serve the shipped model on http://127.0.0.1:8000
  tandem up --attention 2 --ffn 2          two workers of each kind
  tandem status                            what runs, where, with how much memory
  tandem scale attention=3 ffn=2           change the pools while serving
  tandem pull Qwen/Qwen3-0.6B              download a model to serve
  tandem bench --url http://127.0.0.1:8000 --concurrency 8

tandem COMMAND --help explains a command.
`

export const upHelp = `
Examples:
  tandem up
  tandem up --model ./model.gguf --port 8080
  tandem up --model ./Qwen3-0.6B --attention 2 --ffn 2 --ffn-split tp
  tandem up --connector loopback           attention and feed-forward in one process, to compare

Every flag can be given as the variable beside it. Flags win over variables.
`

export function serviceHelp (name: ServiceName): string {
  const needsScheduler = name !== 'scheduler'
  return `
Example:
  tandem ${name}${needsScheduler ? ' --scheduler-address 10.0.0.5:8001' : ' --host 0.0.0.0'}

Every flag can be given as the variable beside it. Flags win over variables.
Listening beyond 127.0.0.1 needs TANDEM_CLUSTER_TOKEN, the same on every machine.
`
}

export const scaleHelp = `
Examples:
  tandem scale attention=3
  tandem scale attention=2 ffn=4
`

export const pullHelp = `
Examples:
  tandem pull Qwen/Qwen3-0.6B              then: tandem up --model Qwen/Qwen3-0.6B
  tandem pull OWNER/NAME --revision v1.0
  tandem pull OWNER/NAME-GGUF --include '*Q4_K_M*'

A pull that was cut off continues where it stopped. HF_ENDPOINT and HF_TOKEN are honoured.
`

export const benchHelp = `
Examples:
  tandem bench --concurrency 1 --max-tokens 128
  tandem bench --concurrency 32 --prompt-tokens 512 --ignore-eos --output result.json
  tandem bench --url http://127.0.0.1:8080 --rate 4 --num-requests 200   (any OpenAI server)

TTFT: first text after sending. ITL: gaps between pieces of text. TPOT: time per output token after the first.
E2E: from sending to the end. Exit code 1 when a request failed.
`
