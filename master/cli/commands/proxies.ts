import { ageOf } from '../ages.ts'
import { proxiesAnswer } from '../answers.ts'
import type { Command } from '../command.ts'
import { shortId } from '../ids.ts'
import { list, listOptions } from '../listing.ts'
import { table } from '../table.ts'

export const proxies: Command = {
  word: 'proxies',
  operands: '',
  operandsMin: 0,
  operandsMax: 0,
  summary: 'List the proxies that report to the master.',
  options: listOptions,
  run: (args, session) => {
    const { screen, clock } = session
    const show = (raw: unknown): readonly string[] => {
      const rows = proxiesAnswer(raw).proxies
      if (rows.length === 0) return ['No proxies. Start one with "orchestrify proxy".']
      const ids = rows.map((row) => row.id)
      return table(
        [
          { title: 'ID', of: (row) => shortId(row.id, ids) },
          { title: 'URL', of: (row) => row.url },
          { title: 'ROUTES', of: (row) => row.routes },
          { title: 'SEEN', right: true, of: (row) => ageOf(row.seenAt, clock.nowMs()) },
        ],
        rows,
        screen,
      )
    }
    return list({ path: '/v1/proxies', show }, args, session)
  },
}
