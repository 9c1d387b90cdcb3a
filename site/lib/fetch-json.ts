/** A JSON file of this site, which its build made and checked. Rejects where the server has none. */
export async function fetchJson<T>(address: string): Promise<T> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: the server answered ${response.status}.`);
  return (await response.json()) as T;
}
