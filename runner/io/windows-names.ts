/** Names that Windows takes for something else than a file of that name. */

/** con, nul, com1 …: devices, in any case and with any ending. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?$/i;
/** A colon leads into another stream of the file; the others are no characters of names. */
const REFUSED = /[<>:"|?*]/;
/** Dots and spaces at the end are dropped without a word: two names would be one file. */
const DROPPED = /[. ]$/;

export function isDeviceName(name: string): boolean {
  return DEVICE.test(name);
}

/** Whether a file of this name, without folders, would on Windows be another one or none. */
export function isNoWindowsName(name: string): boolean {
  return isDeviceName(name) || REFUSED.test(name) || DROPPED.test(name);
}
