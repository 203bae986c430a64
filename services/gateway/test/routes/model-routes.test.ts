import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.js'

describe('models', () => {
  it('lists and describes the one model', async () => {
    const { openai } = await startTestGateway(() => {})
    const list = await openai.models.list()
    expect(list.data).toEqual([
      { id: 'tiny', object: 'model', created: 1_700_000_000, owned_by: 'tandem', max_model_len: 512, has_chat_template: true }
    ])
    expect(await openai.models.retrieve('tiny')).toEqual(list.data[0])
  })

  it('does not know any other', async () => {
    const { openai } = await startTestGateway(() => {})
    await expect(openai.models.retrieve('org/other')).rejects.toMatchObject({ status: 404, code: 'model_not_found', param: 'model' })
  })
})
