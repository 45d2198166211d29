import type { UpstreamConnection } from './upstream-connection.ts'

/** The connections over which one request is asked: one, or two while the first takes long. */
export class AskedReplicas {
  first: UpstreamConnection | undefined = undefined
  second: UpstreamConnection | undefined = undefined

  /** This one answers: the other is left. */
  settleOn(upstream: UpstreamConnection): void {
    const { second } = this
    if (second === undefined) return
    this.second = undefined
    if (upstream === second) this.first?.destroy()
    else second.destroy()
    this.first = upstream
  }

  /** This one failed. Answers whether another one goes on. */
  without(upstream: UpstreamConnection): boolean {
    const { second } = this
    if (second === undefined) return false
    if (upstream === this.first) this.first = second
    this.second = undefined
    return true
  }

  leave(): void {
    this.first?.destroy()
    this.second?.destroy()
    this.first = undefined
    this.second = undefined
  }
}
