// Owns where frames go: the newest topology whose members can be reached, and the older one while its successor is
// still connecting. Sends nothing itself.
import { subtreeRoots } from '@tandem/core'
import type { FfnInstance, FfnMember, FfnTopology } from '@tandem/core'
import type { FfnChannel } from '@tandem/connector'
import { FfnLink } from './ffn-link.js'
import type { FfnLinkOptions } from './ffn-link.js'

export interface RouteMember {
  readonly link: FfnLink
  /** Tree nodes its answer must carry, in this order. */
  readonly nodes: readonly number[]
}

/** An instance under one epoch. */
export interface RouteInstance {
  readonly route: Route
  readonly instanceIdx: number
  readonly members: readonly RouteMember[]
}

/** One topology. `isStale` once a member refused its epoch: it is never used again. */
export interface Route {
  readonly epoch: number
  readonly instances: RouteInstance[]
  isStale: boolean
}

export interface TargetMember extends RouteMember {
  readonly channel: FfnChannel
}

export interface Target {
  readonly route: Route
  readonly members: readonly TargetMember[]
}

export type LinkSettings = Omit<FfnLinkOptions, 'workerId' | 'endpoints' | 'onUp' | 'onDown'>

export class FfnRouter {
  #newest: Route | null = null
  /** The last one whose members were all connected: used while its successor is not. */
  #connected: Route | null = null
  #links = new Set<FfnLink>()
  #waiters: Array<() => void> = []
  #lastReason = 'no topology has been set'

  constructor (private readonly settings: LinkSettings, private readonly onPeerDown: (workerId: string, reason: string) => void) {}

  /** Why the last frame could not be delivered, for messages. */
  get lastReason (): string { return this.#lastReason }

  /** Takes the topology as the newest one, whatever its epoch: a restarted scheduler may count from the beginning. */
  async setTopology (topology: FfnTopology): Promise<void> {
    const route: Route = { epoch: topology.epoch, instances: [], isStale: false }
    for (const instance of topology.instances) route.instances.push(this.#instanceOf(route, instance))
    this.#newest = route
    this.#dropUnusedLinks()
    this.#changed()
    const links = route.instances.flatMap(instance => instance.members.map(member => member.link))
    await Promise.all(links.map(link => link.connect()))
    if (this.#newest !== route) return // Superseded while connecting.
    this.#connected = route
    this.#dropUnusedLinks()
  }

  /** The instance for a ubatch, all of its members connected; null when there is none now. */
  pick (preferredInstanceIdx: number | undefined, ubatchIdx: number): Target | null {
    for (const route of this.#routes()) {
      if (route.isStale) continue
      const preferred = route.instances.find(instance => instance.instanceIdx === preferredInstanceIdx)
      const others = route.instances.map((_, i) => route.instances[(ubatchIdx + i) % route.instances.length] as RouteInstance)
      for (const instance of preferred === undefined ? others : [preferred, ...others]) {
        const target = targetOf(instance)
        if (target !== null) return target
      }
    }
    return null
  }

  markStale (route: Route, reason: string): void {
    route.isStale = true
    this.#lastReason = reason
  }

  /** Resolves at the next change that could make `pick` succeed. */
  changed (): Promise<void> {
    return new Promise(resolve => { this.#waiters.push(resolve) })
  }

  close (): void {
    for (const link of this.#links) link.close()
    this.#links.clear()
    this.#newest = null
    this.#connected = null
  }

  /** Newest first. */
  #routes (): Route[] {
    const routes = this.#newest === this.#connected ? [this.#newest] : [this.#newest, this.#connected]
    return routes.filter(route => route !== null)
  }

  #instanceOf (route: Route, instance: FfnInstance): RouteInstance {
    const members = instance.members.map(member => ({ link: this.#linkTo(member), nodes: subtreeRoots(member.shards) }))
    return { route, instanceIdx: instance.instanceIdx, members }
  }

  #linkTo (member: FfnMember): FfnLink {
    const { workerId, endpoints } = member
    for (const link of this.#links) {
      if (link.workerId === workerId && link.reaches(endpoints)) return link
    }
    const link = new FfnLink({
      ...this.settings,
      workerId,
      endpoints,
      onUp: () => { this.#changed() },
      onDown: reason => {
        this.#lastReason = `${workerId}: ${reason}`
        this.onPeerDown(workerId, reason)
      }
    })
    this.#links.add(link)
    return link
  }

  /** Frames in flight on a link that is dropped are sent again on the newest route. */
  #dropUnusedLinks (): void {
    const used = new Set(this.#routes().flatMap(route => route.instances.flatMap(instance => instance.members.map(member => member.link))))
    for (const link of this.#links) {
      if (used.has(link)) continue
      this.#links.delete(link)
      link.close()
    }
  }

  #changed (): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}

function targetOf (instance: RouteInstance): Target | null {
  const members: TargetMember[] = []
  for (const member of instance.members) {
    const { channel } = member.link
    if (channel === null) return null
    members.push({ ...member, channel })
  }
  return members.length === 0 ? null : { route: instance.route, members }
}
