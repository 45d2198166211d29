import { test } from 'vitest'
import { join } from 'node:path'
import { Cluster } from '../support/cluster.ts'
import { callCli } from '../support/cli-call.ts'
import { onHosts } from '../support/ground.ts'
import { Lab } from '../support/lab.ts'
import { ROOT } from '../support/program.ts'
test('x', async () => {
  const lab = await Lab.start({ hosts: 1 })
  const cluster = await Cluster.start({ workers: 1, ground: onHosts(lab) })
  try {
    await lab.importImage(lab.hosts[0]!, 'web:1')
    const T = ['python3', join(ROOT, 'test/support/terminal.py'), '30', '90']
    const run = callCli(cluster, { ...lab.master, around: T }, ['run', 'web', '--image', 'web:1'])
    await new Promise((r) => setTimeout(r, 4000))
    console.log('RUN', JSON.stringify(run.out()), run.err())
    run.kill()
    await cluster.serves('web', 1)
    const m = callCli(cluster, lab.master, ['exec', 'web', '--', 'no-such'])
    console.log(await m.ended, JSON.stringify(m.out()), JSON.stringify(m.err()))
    const sh = callCli(cluster, { ...lab.master, around: T }, ['exec', 'web', '-it', '--', 'sh'])
    await new Promise((r) => setTimeout(r, 2000))
    sh.type('{"type": "tty; stty size\\n"}\n')
    await new Promise((r) => setTimeout(r, 1000))
    sh.type('{"resize": [40, 100]}\n{"type": "stty size\\n"}\n{"type":"exit 5\\n"}\n')
    await new Promise((r) => setTimeout(r, 2000))
    console.log(JSON.stringify(sh.out()), sh.err())
    sh.kill()
    console.log(cluster.workers.get('w1')?.output)
  } finally { await cluster.stop() }
}, 120000)
