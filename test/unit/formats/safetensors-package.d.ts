/** The part of the `safetensors` package used as an independent reader; it ships no types. */
declare module 'safetensors' {
  const peer: { SafeTensor: new (bytes: Uint8Array) => { getTensor(name: string): Uint8Array } };
  export default peer;
}
