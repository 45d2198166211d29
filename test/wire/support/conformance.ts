import { beforeAll, describe, expect, test } from 'vitest'
import { allCases } from '../cases/all-cases.ts'
import type { Mode } from './pieces.ts'
import { runCases } from './runner.ts'
import { subjectRows } from './subject.ts'

const TIMEOUT_MS = 120_000

/** One test per case and engine; the cases run side by side before the first of them. */
export function conformance(mode: Mode): void {
  describe.each(subjectRows)('the proxy on %s', (_, subject) => {
    let verdicts: ReadonlyMap<string, readonly string[]> = new Map()
    beforeAll(async () => {
      verdicts = await runCases(subject, allCases, mode)
    }, TIMEOUT_MS)
    test.each(rows)(`the proxy %s (RFC %s), ${mode}`, (name) => {
      const wrong = verdicts.get(name)?.join('; ')
      expect(wrong, wrong).toBe('')
    })
  })
}

const rows = allCases.map(({ name, rfc }) => [name, rfc] as const)
