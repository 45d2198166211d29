import type { DecisionRun, WhyView } from '../../../shared/api.ts'
import type { Decision, DemandWindow } from '../../../shared/decision.ts'
import { lasted, timeOf } from '../ages.ts'
import { whyAnswer } from '../answers.ts'
import type { Command, Session } from '../command.ts'
import { list, listOptions, pathOf } from '../listing.ts'
import { facts, table } from '../table.ts'

const STRETCHES_SHOWN = 8

export const why: Command = {
  word: 'why',
  operands: 'SERVICE',
  operandsMin: 1,
  operandsMax: 1,
  summary: 'Say why a service has as many replicas as it has.',
  options: listOptions,
  run: (args, session) => {
    const show = (raw: unknown): readonly string[] => explain(whyAnswer(raw), session)
    return list({ path: pathOf('services', args.word(0), 'why'), show }, args, session)
  },
}

function explain(view: WhyView, session: Session): readonly string[] {
  const { service, decision, history } = view
  if (decision === undefined) {
    return [`"${service.name}" has ${replicas(service.replicas)}; nothing was decided yet.`]
  }
  const { screen } = session
  const head = `"${service.name}" has ${replicas(decision.replicas)}: ${decision.reason}.`
  const advice = service.advice === undefined ? [] : [screen.paint('warn', `${service.advice}.`)]
  return [
    screen.paint('bold', head),
    ...advice,
    '',
    ...numbers(decision),
    '',
    ...past(history, session),
  ]
}

function numbers({ inputs, rule, atMs }: Decision): readonly string[] {
  const { objective, bounds, recent } = inputs
  return facts([
    ['rule', `${rule} at ${timeOf(atMs)}`],
    ['objective', `p${objective.percentile} < ${objective.latencyTargetMs}ms`],
    ['measured', recent === undefined ? 'too few requests to judge' : measured(recent, inputs)],
    [
      'replicas',
      `${inputs.replicas} wanted, ${inputs.serving} serving, ${inputs.starting} starting`,
    ],
    ['bounds', `${bounds.replicasMin} to ${bounds.replicasMax}`],
    ['nodes', `${inputs.nodesReady} ready, ${inputs.nodesUsed} used`],
    ['data', inputs.complete ? 'every proxy reports' : 'some proxy does not report'],
  ])
}

function measured(recent: DemandWindow, { objective }: Decision['inputs']): string {
  const seconds = (recent.toMs - recent.fromMs) / 1000
  const value = `p${objective.percentile} ${Math.round(recent.percentileMs)} ms`
  const basis = `${recent.requests} requests in ${seconds.toFixed(1)} s`
  return `${value}, mean ${Math.round(recent.meanMs)} ms, ${basis}, ${recent.errors} errors`
}

function past(history: readonly DecisionRun[], { screen }: Session): readonly string[] {
  const shown = history.slice(0, STRETCHES_SHOWN)
  if (shown.length === 0) return []
  return table(
    [
      { title: 'SINCE', of: (run) => timeOf(Date.parse(run.sinceAt)) },
      { title: 'FOR', right: true, of: (run) => spanOf(run) },
      { title: 'RULE', of: (run) => run.decision.rule },
      { title: 'REPLICAS', right: true, of: (run) => step(run.decision) },
      { title: 'REASON', of: (run) => run.decision.reason },
    ],
    shown,
    screen,
  )
}

function spanOf({ sinceAt, untilAt }: DecisionRun): string {
  return lasted(Date.parse(untilAt) - Date.parse(sinceAt))
}

function step({ inputs, replicas: to }: Decision): string {
  return inputs.replicas === to ? String(to) : `${inputs.replicas} -> ${to}`
}

function replicas(count: number): string {
  return count === 1 ? '1 replica' : `${count} replicas`
}
