/** A number with the noun of what it counts: `1 SAE`, `2,048 latents`. Runs in browsers. */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : several}`;
}
