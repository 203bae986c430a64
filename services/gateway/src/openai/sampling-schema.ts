// Owns the request fields that /v1/completions and /v1/chat/completions share, with OpenAI's ranges and, for
// what OpenAI does not have, vLLM's names.
import { Type } from 'typebox'

const MAX_STOPS = 4
const MAX_LOGIT_BIASES = 1024
const MAX_STOP_TOKEN_IDS = 128
/** Request fields travel as float32 where they are not integers. */
const positive = { exclusiveMinimum: 0, maximum: 1000 }

export const samplingProperties = {
  model: Type.Optional(Type.String({ description: 'a name from /v1/models; may be left out' })),
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2, description: '0 is greedy; default 1' })),
  top_p: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
  top_k: Type.Optional(Type.Integer({ minimum: -1, maximum: 2 ** 31 - 1, description: '0 or -1 keeps every token' })),
  min_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  seed: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  repetition_penalty: Type.Optional(Type.Number(positive)),
  presence_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
  logit_bias: Type.Optional(Type.Record(
    Type.String(), Type.Number({ minimum: -100, maximum: 100 }), { maxProperties: MAX_LOGIT_BIASES }
  )),
  stop: Type.Optional(Type.Union(
    [Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { maxItems: MAX_STOPS })],
    { description: `a string or an array of at most ${MAX_STOPS} strings, none of them empty` }
  )),
  stop_token_ids: Type.Optional(Type.Array(Type.Integer({ minimum: 0 }), { maxItems: MAX_STOP_TOKEN_IDS })),
  include_stop_str_in_output: Type.Optional(Type.Boolean()),
  ignore_eos: Type.Optional(Type.Boolean()),
  skip_special_tokens: Type.Optional(Type.Boolean()),
  max_tokens: Type.Optional(Type.Integer({ minimum: 1 })),
  n: Type.Optional(Type.Integer({ minimum: 1 })),
  stream: Type.Optional(Type.Boolean()),
  stream_options: Type.Optional(Type.Object({
    include_usage: Type.Optional(Type.Boolean()),
    include_obfuscation: Type.Optional(Type.Boolean())
  }, { additionalProperties: false }))
}

export type SamplingFields = Type.Static<Type.TObject<typeof samplingProperties>>
