import { z } from 'zod'
import { sentenceOf } from '../../shared/errors.ts'

/** What a reader throws becomes the message about the field. */
export function attempt<T>(read: () => T, context: z.RefinementCtx): T {
  try {
    return read()
  } catch (error) {
    context.addIssue({ code: 'custom', message: sentenceOf(error) })
    return z.NEVER
  }
}
