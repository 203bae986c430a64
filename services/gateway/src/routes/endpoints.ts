// Owns the paths of the endpoints that generate: routes, metrics and error counting agree on them.

export const generationEndpoints = ['/v1/completions', '/v1/chat/completions'] as const
export type GenerationEndpoint = typeof generationEndpoints[number]

export function isGenerationEndpoint (route: string | undefined): route is GenerationEndpoint {
  return (generationEndpoints as readonly (string | undefined)[]).includes(route)
}
