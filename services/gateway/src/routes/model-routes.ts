// Owns GET /v1/models and /v1/models/{id}: the one model this cluster serves.
import { Type } from 'typebox'
import type { App } from '../app.js'
import type { GatewayDependencies } from '../dependencies.js'
import { gatewayError } from '../errors.js'

export function addModelRoutes (app: App, { model, link, now }: GatewayDependencies): void {
  const created = Math.floor(now().getTime() / 1000)
  const card = () => ({ id: model.name, object: 'model', created, owned_by: 'tandem', max_model_len: link.state.maxModelLen })
  app.get('/v1/models', { schema: { tags: ['models'], summary: 'List models' } }, () => ({ object: 'list', data: [card()] }))
  // Names may have slashes, as Hugging Face's do.
  app.get('/v1/models/*', {
    schema: { tags: ['models'], summary: 'Describe a model', params: Type.Object({ '*': Type.String() }) }
  }, request => {
    const id = request.params['*']
    if (id !== model.name) throw gatewayError('model_not_found', { param: 'model', model: id, served: model.name })
    return card()
  })
}
