/** Which latent the page of an SAE's latents shows, as it stands in its address behind the path. */
export function latentHref(latent: number): string {
  return `#latent=${latent}`;
}

/** @returns null for an address that asks for none */
export function latentOf(hash: string): number | null {
  const found = /^#latent=(\d+)$/.exec(hash);
  return found === null ? null : Number(found[1]);
}
