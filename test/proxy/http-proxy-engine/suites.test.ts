/** What the own engine promises of messages, failures and limits, of the other engine. */
import { useEngine } from '../support/rig.ts'

useEngine('http-proxy')
await import('../http1/messages.test.ts')
await import('../http1/bodies.test.ts')
await import('../http1/failures.test.ts')
await import('../http1/limits.test.ts')
await import('../http1/closing.test.ts')
await import('../upgrade.test.ts')
await import('../envelope-door.test.ts')
