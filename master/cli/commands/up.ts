import type { Command } from '../command.ts'

export const dataOption = {
  kind: 'text',
  value: 'DIR',
  meaning: 'Where its data, keys and logs are. [default ./.orchestrify]',
} as const

export const up: Command = {
  word: 'up',
  operands: '',
  operandsMin: 0,
  operandsMax: 0,
  summary: 'Start a master, workers and a proxy on this machine.',
  options: {
    driver: {
      kind: 'text',
      value: 'auto|docker|process',
      meaning: 'What runs replicas; auto: Docker where its Engine answers. [default auto]',
    },
    'docker-host': {
      kind: 'text',
      value: 'URL',
      meaning: 'Address of the Docker Engine. [DOCKER_HOST]',
    },
    workers: { kind: 'text', value: 'N', meaning: 'How many workers. [default 1]' },
    detach: { kind: 'flag', alias: 'd', meaning: 'Return once everything is ready.' },
    data: dataOption,
    port: { kind: 'text', value: 'PORT', meaning: 'Of the master, 0 = any. [default 18080]' },
    'proxy-port': { kind: 'text', value: 'PORT', meaning: 'Of the proxy, 0 = any. [default 8080]' },
    host: {
      kind: 'text',
      value: 'ADDRESS',
      meaning: 'Where others reach this machine; 0.0.0.0 for all. [default 127.0.0.1]',
    },
  },
  run: async (args, session) => {
    const { runUp } = await import('../up/up.ts')
    return runUp(args, session)
  },
}
