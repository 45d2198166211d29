import { helpOf } from '../../shared/config.ts'
import { masterKnobs } from '../config.ts'

export function servingHelp(): string {
  return `Usage: orchestrify master [OPTIONS]\n\nServes as a master.\n\n${helpOf(masterKnobs)}`
}
