// Writes docs/configuration.md from the programs' knobs; with --check only tells whether it is new.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { knobTable } from './dist/shared/config-docs.js'

const root = fileURLToPath(new URL('.', import.meta.url))
const path = join(root, 'docs', 'configuration.md')

const introduction = `# Configuration

Each value comes from the first of these that names it: the flag, the environment variable, the
file given with \`--config FILE\` (or \`ORCHESTRIFY_CONFIG\`), the default. The file is YAML or JSON; a
key with a dot may be written nested (\`scaling: {min: 2}\`). An unknown key, a key that is there
twice and a value out of range are errors, told in one sentence before anything starts.

Durations are written \`500ms\`, \`5s\`, \`2m\`, \`24h\` or \`7d\`; a bare number means milliseconds. A flag
that is yes or no stands alone (\`--insecure\`) and is switched off with \`--no-\` before its name.
Lists repeat their flag or separate with commas.

This page is generated from the programs by \`node docs.mjs\`.
`

const text = await configuration()

if (!process.argv.includes('--check')) {
  writeFileSync(path, text)
} else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
  console.error('docs/configuration.md is stale: run `npm run build && node docs.mjs`')
  process.exitCode = 1
}

async function configuration() {
  const sections = []
  for (const program of ['master', 'worker', 'proxy']) {
    const exported = await import(`./dist/${program}/config.js`)
    sections.push(`## ${program}\n\n${knobTable(exported[`${program}Knobs`])}\n`)
  }
  return `${introduction}\n${sections.join('\n')}`
}
