// Owns the one translation of every error into an OpenAI error body and its status.
import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifySchemaValidationError } from 'fastify'
import { isTandemError } from '@tandem/core'
import type { TandemError } from '@tandem/core'
import { gatewayError } from '../errors.js'
import type { GatewayMetrics, Outcome } from '../metrics/metrics.js'
import { isGenerationEndpoint } from '../routes/endpoints.js'
import { discardBody } from './body-parser.js'

const RETRY_AFTER_SECONDS = 1

const typeOfStatus: Readonly<Record<number, string>> = { 401: 'authentication_error', 429: 'rate_limit_error' }

export function errorBody (error: TandemError): object {
  const { httpStatus: status } = error
  return {
    error: {
      message: error.message,
      type: typeOfStatus[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error'),
      param: error.facts.param ?? null,
      code: error.code
    }
  }
}

export function outcomeOf ({ httpStatus }: TandemError): Outcome {
  if (httpStatus === 429) return 'overloaded'
  if (httpStatus === 503) return 'unavailable'
  return httpStatus < 500 ? 'rejected' : 'error'
}

export function installErrorHandlers (app: FastifyInstance, maxBodyBytes: number, metrics: GatewayMetrics): void {
  app.setNotFoundHandler((request, reply) => {
    const error = gatewayError('route_not_found', { method: request.method, path: request.url.split('?')[0] })
    void reply.status(error.httpStatus).send(errorBody(error))
  })
  app.setErrorHandler(async (thrown: FastifyError, request, reply) => {
    const error = translate(thrown, maxBodyBytes)
    if (error.code === 'body_too_large') await discardBody(request.raw)
    const endpoint = request.routeOptions.url
    if (isGenerationEndpoint(endpoint)) metrics.requests.inc({ endpoint, outcome: outcomeOf(error) })
    if (error.httpStatus >= 500 && !error.retryable) request.log.error({ err: thrown }, 'request failed')
    else request.log.debug({ code: error.code, param: error.facts.param }, 'request refused')
    if (error.httpStatus === 429 || error.httpStatus === 503) void reply.header('retry-after', RETRY_AFTER_SECONDS)
    return await reply.status(error.httpStatus).send(errorBody(error))
  })
}

/** Where a rejected connection never reaches a handler: malformed HTTP. */
export function clientErrorResponse (): string {
  const body = JSON.stringify(errorBody(gatewayError('request_rejected', { reason: 'malformed HTTP request' })))
  return `HTTP/1.1 400 ${STATUS_CODES[400]}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

function translate (error: FastifyError, maxBodyBytes: number): TandemError {
  if (isTandemError(error)) return error
  if (error.validation?.[0] !== undefined) return errorOfValidation(error.validation)
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE': return gatewayError('body_too_large', { maxBodyBytes })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': return gatewayError('unsupported_media_type')
    case 'FST_ERR_CTP_EMPTY_JSON_BODY': return gatewayError('invalid_json', { reason: 'it is empty' })
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH': return gatewayError('request_rejected', { reason: error.message })
  }
  return error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500
    ? gatewayError('request_rejected', { reason: error.message }, { cause: error })
    : gatewayError('internal_error', {}, { cause: error })
}

/** A union fails with an error for each of its members and one for itself: the latter says what was expected. */
function errorOfValidation (errors: readonly FastifySchemaValidationError[]): TandemError {
  const error = errors.find(candidate => candidate.keyword === 'anyOf') ?? errors[0]!
  const param = paramOfPointer(error.instancePath)
  const { params, keyword } = error
  switch (keyword) {
    case 'required':
      return gatewayError('missing_parameter', { param: [param, String(params.missingProperty)].filter(Boolean).join('.') })
    case 'additionalProperties':
      return gatewayError('unsupported_parameter', {
        param: [param, String(params.additionalProperty)].filter(Boolean).join('.'), reason: 'this server does not know it'
      })
    case 'type':
      return param === ''
        ? gatewayError('invalid_json', { reason: 'it must be an object' })
        : gatewayError('invalid_type', { param, expected: `${String(params.type)}` })
    case 'anyOf': {
      const { description } = (error as { parentSchema?: { description?: string } }).parentSchema ?? {}
      return gatewayError('invalid_type', { param, expected: description ?? 'another type' })
    }
    case 'minItems':
      return gatewayError('invalid_value', { param, reason: 'it is empty' })
    default:
      return gatewayError('invalid_value', { param, reason: error.message ?? 'it is not allowed' })
  }
}

/** /messages/0/content -> messages[0].content */
function paramOfPointer (pointer: string): string {
  return pointer.slice(1).split('/').map(part => part.replace(/~1/g, '/').replace(/~0/g, '~'))
    .reduce((path, part) => /^\d+$/.test(part) && path !== '' ? `${path}[${part}]` : path === '' ? part : `${path}.${part}`, '')
}
