/** The compiled thread: Node 20 loads no TypeScript, so a run from the sources uses the build. */
export function threadPlace(): URL {
  const built = import.meta.url.endsWith('.ts') ? '../../../dist/master/store/embedded/' : './'
  return new URL(`${built}thread.js`, import.meta.url)
}
