import type { Command } from './command.ts'
import { demo } from './commands/demo.ts'
import { down } from './commands/down.ts'
import { events } from './commands/events.ts'
import { exec } from './commands/exec.ts'
import { logs } from './commands/logs.ts'
import { nodeAdmission } from './commands/node-admission.ts'
import { node, nodes } from './commands/nodes.ts'
import { proc, procs } from './commands/procs.ts'
import { proxies } from './commands/proxies.ts'
import { release } from './commands/release.ts'
import { rm } from './commands/rm.ts'
import { run } from './commands/run.ts'
import { scale } from './commands/scale.ts'
import { service, services } from './commands/services.ts'
import { token } from './commands/token.ts'
import { up } from './commands/up.ts'
import { why } from './commands/why.ts'

/** In the order of the help. */
export const commands: readonly Command[] = [
  up,
  down,
  demo,
  run,
  services,
  service,
  why,
  scale,
  rm,
  procs,
  proc,
  nodes,
  node,
  release,
  ...nodeAdmission,
  proxies,
  events,
  logs,
  exec,
  token,
]
