import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.js'

describe('API key', () => {
  it('is asked for under /v1 and /admin, however the path is written, and nowhere else', async () => {
    const { url } = await startTestGateway(() => {}, { options: { apiKey: 'secret' } })
    const status = async (path: string, authorization?: string): Promise<number> =>
      (await fetch(url + path, authorization === undefined ? {} : { headers: { authorization } })).status
    for (const path of ['/v1/models', '/v1/models/tiny', '/admin/v1/cluster', '/v1/nothing', '/%761/models', '//v1/models', '/v1/models/']) {
      expect([path, await status(path)]).not.toEqual([path, 200])
      expect([path, await status(path, 'Bearer wrong')]).not.toEqual([path, 200])
    }
    for (const path of ['/v1/models', '/admin/v1/cluster']) {
      expect(await status(path)).toBe(401)
      expect(await status(path, 'Bearer secre')).toBe(401)
      expect(await status(path, 'secret')).toBe(401)
      expect(await status(path, 'Bearer secret')).toBe(200)
      expect(await status(path, 'bearer secret')).toBe(200)
    }
    for (const path of ['/health', '/ready', '/metrics', '/openapi.json']) expect(await status(path)).toBe(200)
  })

  it('says so in an OpenAI error', async () => {
    const { url } = await startTestGateway(() => {}, { options: { apiKey: 'secret' } })
    const response = await fetch(`${url}/v1/models`)
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_api_key', type: 'authentication_error', param: null } })
  })
})
