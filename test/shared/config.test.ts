import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ConfigOf, helpOf, readConfig } from '../../shared/config.ts'
import { knobTable } from '../../shared/config-docs.ts'
import { RequestError } from '../../shared/errors.ts'
import { choice, duration, flag, inSeconds, number, port, text, texts } from '../../shared/knob.ts'

const knobs = {
  port: port({ flag: 'port', fallback: 18_080, meaning: 'Port to listen on.' }),
  replicasMin: number(
    { min: 1, max: 100, unit: 'replicas' },
    {
      flag: 'replicas-min',
      fallback: 1,
      meaning: 'The fewest replicas.',
      aliases: [{ key: 'scaling.min' }, { key: 'scaling.min_instances' }],
    },
  ),
  cooldownMs: duration({
    flag: 'cooldown',
    fallback: 60_000,
    meaning: 'The wait between two steps.',
    aliases: [inSeconds('scaling.cooldown')],
  }),
  level: choice(['error', 'info'], {
    flag: 'log-level',
    env: 'LOG_LEVEL',
    fallback: 'info',
    meaning: 'What is written.',
  }),
  insecure: flag({ flag: 'insecure', fallback: false, meaning: 'Serve plain HTTP.' }),
  autoscale: flag({ flag: 'autoscale', fallback: true, meaning: 'Scale services.' }),
  token: text<undefined>({
    flag: 'token',
    fallback: undefined,
    meaning: 'Who calls.',
    secret: true,
  }),
  masters: texts({ flag: 'master', fallback: [], meaning: 'URLs of masters.' }),
}

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'orchestrify-config-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

interface Given {
  readonly argv?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** The text of a configuration file. */
  readonly file?: string | Buffer
}

function read(given: Given): ConfigOf<typeof knobs> {
  const { argv = [], environment = {}, file } = given
  if (file === undefined) return readConfig(knobs, { argv, environment })
  const path = join(dir, 'config.yaml')
  writeFileSync(path, file)
  return readConfig(knobs, { argv: [...argv, '--config', path], environment })
}

function sentence(given: Given): string {
  try {
    read(given)
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError)
    return (error as RequestError).message.replaceAll(dir, 'DIR')
  }
  throw new Error('it was accepted')
}

const flagged = ['--port', '1']
const variable = { ORCHESTRIFY_PORT: '2' }
const precedence = [
  { from: 'the flag', argv: flagged, environment: variable, file: 'port: 3', port: 1 },
  { from: 'the environment', argv: [], environment: variable, file: 'port: 3', port: 2 },
  { from: 'the file', argv: [], environment: {}, file: 'port: 3', port: 3 },
  { from: 'the default', argv: [], environment: {}, file: '', port: 18_080 },
  { from: 'the file', argv: [], environment: { ORCHESTRIFY_PORT: '' }, file: 'port: 3', port: 3 },
] as const

test.each(precedence)(
  'readConfig() takes $port from $from',
  ({ from: _, port: expected, ...given }) => {
    expect(read(given).port).toBe(expected)
  },
)

const accepted: readonly (Given & { readonly gives: Partial<ConfigOf<typeof knobs>> })[] = [
  { argv: ['--port=7', '--port', '8'], gives: { port: 8 } },
  { argv: ['--insecure', '--no-autoscale'], gives: { insecure: true, autoscale: false } },
  { environment: { ORCHESTRIFY_INSECURE: 'Yes' }, gives: { insecure: true } },
  { environment: { LOG_LEVEL: 'error' }, gives: { level: 'error' } },
  { argv: ['--master', 'a', '--master', 'b'], gives: { masters: ['a', 'b'] } },
  { environment: { ORCHESTRIFY_MASTER: 'a, b' }, gives: { masters: ['a', 'b'] } },
  { argv: ['--master', 'a,b'], gives: { masters: ['a', 'b'] } },
  { file: 'master: [a, b]', gives: { masters: ['a', 'b'] } },
  { file: 'scaling: {min: 2, cooldown: 30}', gives: { replicasMin: 2, cooldownMs: 30_000 } },
  { file: 'scaling.min: 2', gives: { replicasMin: 2 } },
  { file: 'scaling: {cooldown: 2m}', gives: { cooldownMs: 120_000 } },
  { file: 'cooldown: 30', gives: { cooldownMs: 30 } },
  { file: '{"replicas-min": 3, "insecure": true}', gives: { replicasMin: 3, insecure: true } },
  { file: '# nothing', gives: { port: 18_080, token: undefined } },
  { environment: { ORCHESTRIFY_CONFIG: '' }, gives: { port: 18_080 } },
]

test.each(accepted)('readConfig() understands $argv $environment $file', ({ gives, ...given }) => {
  expect(read(given)).toMatchObject(gives)
})

const refused: readonly (Given & { readonly says: string | RegExp })[] = [
  { argv: ['--prot', '1'], says: "Cannot read the command line: Unknown option '--prot'" },
  { argv: ['--__proto__', '1'], says: /Unknown option/ },
  { argv: ['serve'], says: /Cannot read the command line: Unexpected argument 'serve'/ },
  { argv: ['--port'], says: /Cannot read the command line: .*argument missing/ },
  { argv: ['--insecure=1'], says: /Cannot read the command line: .*does not take an argument/ },
  { argv: ['--no-port'], says: /Cannot read the command line/ },
  { argv: ['--port', 'abc'], says: 'Cannot use "abc" for --port: expected a number' },
  { argv: ['--port', 'NaN'], says: 'Cannot use "NaN" for --port: expected a number' },
  { argv: ['--port', ''], says: 'Cannot use "" for --port: expected a number' },
  { argv: ['--port=-1'], says: 'Cannot use "-1" for --port: expected 0 to 65535' },
  { argv: ['--port', '65536'], says: 'Cannot use "65536" for --port: expected 0 to 65535' },
  { argv: ['--port', '1.5'], says: 'Cannot use "1.5" for --port: expected a whole number' },
  { argv: ['--port', 'Infinity'], says: 'Cannot use "Infinity" for --port: expected a number' },
  {
    argv: ['--cooldown', '5 weeks'],
    says: /Cannot use "5 weeks" for --cooldown: expected a duration/,
  },
  {
    environment: { ORCHESTRIFY_PORT: 'x' },
    says: 'Cannot use "x" for ORCHESTRIFY_PORT: expected a number',
  },
  {
    environment: { LOG_LEVEL: 'INFO' },
    says: 'Cannot use "INFO" for LOG_LEVEL: expected one of error, info',
  },
  {
    environment: { ORCHESTRIFY_INSECURE: 'maybe' },
    says: /for ORCHESTRIFY_INSECURE: expected true or false/,
  },
  {
    environment: { ORCHESTRIFY_CONFIG: '/nowhere.yaml' },
    says: /configuration file \/nowhere.yaml: ENOENT/,
  },
  {
    argv: ['--config', '/'],
    says: 'Cannot use the configuration file /: EISDIR: illegal operation on a directory, read',
  },
  {
    argv: ['--config', '/dev/zero'],
    says: 'Cannot use the configuration file /dev/zero: it is larger than 1000000 bytes',
  },
  {
    file: 'x: 1\ny: 2',
    says: 'Cannot use the configuration file DIR/config.yaml: unknown keys "x", "y"',
  },
  { file: 'scaling: {mni: 2}', says: /unknown key "scaling.mni"/ },
  { file: 'bogus: {}', says: /unknown key "bogus"/ },
  {
    file: 'port: {value: 1}',
    says: /Cannot use \{"value":1\} for "port" in DIR\/config.yaml: expected a number/,
  },
  { file: '__proto__: {port: 1}', says: /unknown key "__proto__"/ },
  { file: '"__proto__": 1', says: /unknown key "__proto__"/ },
  { file: 'constructor: 1', says: /unknown key "constructor"/ },
  { file: 'port: 1\nport: 2', says: /Map keys must be unique/ },
  { file: 'scaling: {min: 1}\nscaling.min: 2', says: /"scaling.min" is there twice/ },
  {
    file: 'replicas-min: 1\nscaling: {min: 2}',
    says: /"replicas-min" and "scaling.min" mean the same, keep one/,
  },
  { file: 'port:', says: 'Cannot use null for "port" in DIR/config.yaml: expected a number' },
  { file: 'port: .nan', says: /for "port" in DIR\/config.yaml: expected a number/ },
  { file: 'port: [1]', says: /Cannot use \[1\] for "port"/ },
  { file: 'cooldown: [5s]', says: /Cannot use \["5s"\] for "cooldown"/ },
  { file: '- port', says: /expected keys and values at its top/ },
  { file: 'just words', says: /expected keys and values at its top/ },
  { file: 'port: "1', says: /Missing closing/ },
  { file: 'port: 1\n---\nport: 2', says: /multiple documents/ },
  { file: Buffer.from([0x70, 0xff, 0xfe]), says: /not valid/ },
  { file: '#'.repeat(1_000_001), says: /it is larger than 1000000 bytes/ },
  {
    file: `scaling: ${'{a: '.repeat(20_000)}1${'}'.repeat(20_000)}`,
    says: /Cannot use the configuration file/,
  },
  {
    file: `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]`,
    says: /[Aa]lias/,
  },
  {
    argv: ['--token', ''],
    says: 'Cannot use the given value for --token: expected a text that is not empty',
  },
]

test.each(refused)('readConfig() refuses $argv $environment $file', ({ says, ...given }) => {
  if (typeof says === 'string') expect(sentence(given)).toBe(says)
  else expect(sentence(given)).toMatch(says)
})

test('readConfig() leaves the prototype of objects alone', () => {
  sentence({ file: '__proto__: {polluted: true}' })
  expect('polluted' in {}).toBe(false)
})

test('helpOf() says the flag, its unit, its meaning, its variable and its default', () => {
  const lines = helpOf(knobs).split('\n')
  expect(lines).toHaveLength(Object.keys(knobs).length + 1)
  expect(lines[1]).toMatch(
    /^ {2}--replicas-min <replicas> +The fewest replicas\. \[ORCHESTRIFY_REPLICAS_MIN, default 1]$/,
  )
  expect(lines[2]).toMatch(/\[ORCHESTRIFY_COOLDOWN, default 1m]$/)
  expect(lines[4]).toMatch(/^ {2}--insecure +Serve plain HTTP/)
  expect(lines[6]).toMatch(/\[ORCHESTRIFY_TOKEN]$/)
  expect(lines[8]).toMatch(/^ {2}--config <file> /)
})

test('knobTable() has one row of six cells for each knob', () => {
  const rows = knobTable(knobs).split('\n')
  expect(rows).toHaveLength(Object.keys(knobs).length + 2)
  for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(8)
  expect(rows[3]).toBe(
    '| `--replicas-min` | `ORCHESTRIFY_REPLICAS_MIN` | `replicas-min`, `scaling.min`, `scaling.min_instances` | `1` | replicas | The fewest replicas. |',
  )
  expect(rows[5]).toContain('| error \\| info |')
})
