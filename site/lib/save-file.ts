/** Milliseconds that a browser has to take the bytes. */
const TAKEN_MS = 60_000;

/** Has the browser save bytes as a file of the reader's. */
export function saveFile(bytes: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(bytes);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), TAKEN_MS);
}
