/** Tests that make networks or mounts need root: in CI they fail without it, elsewhere they say so. */
export function hasRoot(without: string): boolean {
  if (process.getuid?.() === 0 || process.env.CI === 'true') return true
  console.error(`NOT RUN  ${without}: only root may`)
  return false
}
