// Owns GET /v1/models and /v1/models/{id}: the one model this cluster serves.
import { Type } from 'typebox'
import type { App } from '../app.js'
import type { GatewayDependencies } from '../dependencies.js'
import { gatewayError } from '../errors.js'

export function addModelRoutes (app: App, { model, tokenizer, link, now }: GatewayDependencies): void {
  const created = Math.floor(now().getTime() / 1000)
  const card = () => ({
    id: model.name,
    object: 'model',
    created,
    owned_by: 'tandem',
    max_model_len: link.state.maxModelLen,
    has_chat_template: tokenizer.chatTemplate !== undefined
  })
  app.get('/v1/models', { schema: { tags: ['models'], summary: 'List models' } }, () => ({ object: 'list', data: [card()] }))
  const describe = (id: string) => {
    if (id !== model.name) throw gatewayError('model_not_found', { param: 'model', model: id, served: model.name })
    return card()
  }
  app.get('/v1/models/:id', {
    schema: { tags: ['models'], summary: 'Describe a model', params: Type.Object({ id: Type.String() }) }
  }, request => describe(request.params.id))
  // Names may have slashes, as Hugging Face's do, and clients that do not escape them.
  app.get('/v1/models/:owner/:id', {
    schema: { hide: true, params: Type.Object({ owner: Type.String(), id: Type.String() }) }
  }, request => describe(`${request.params.owner}/${request.params.id}`))
}
