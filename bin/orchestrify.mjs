#!/usr/bin/env node
// What a container runs: `master …`, `worker …` and `proxy …` serve, every other word is a command.
const asked = process.argv.slice(2)
const [word = ''] = asked
const isProgram = word === 'worker' || word === 'proxy'
const main = new URL(`../dist/${isProgram ? word : 'master'}/main.js`, import.meta.url)

// The program takes the place of this file: as process 1 it hears the signals of the engine itself.
// As what it was started stays known: the proxy finds its next version that way.
if (isProgram) process.argv.splice(2, 1)
await import(main.href)
