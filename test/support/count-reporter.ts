import { writeSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** Prints how the whole run ended as its very last line: `12 passed, 0 failed`. */
export class CountReporter implements Reporter {
  #passed = 0
  #failed = 0
  #ended = false

  onInit(): void {
    // Everything else was printed by then, also when the run is interrupted or crashes.
    process.once('exit', (code) => this.#print(code))
  }

  onTestRunStart(): void {
    this.#ended = false
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: 'passed' | 'interrupted' | 'failed',
  ): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const states = tests.map((test) => test.result().state)
    this.#passed = states.filter((state) => state === 'passed').length
    this.#failed = states.filter((state) => state === 'failed').length
    // What fails outside of a test leaves the tests in it without a result.
    this.#failed += modules.reduce((sum, module) => sum + brokenSuites(module), 0)
    this.#failed += unhandledErrors.length
    this.#ended = reason !== 'interrupted'
  }

  #print(code: number): void {
    const broken = !this.#ended || (code !== 0 && this.#failed === 0)
    const line = `${this.#passed} passed, ${this.#failed + (broken ? 1 : 0)} failed\n`
    writeSync(1, line)
  }
}

function brokenSuites(module: TestModule): number {
  const suites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0)
  return suites.length + (module.errors().length > 0 ? 1 : 0)
}
