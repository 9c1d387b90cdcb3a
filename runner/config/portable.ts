/**
 * Settings and commands as they are published: nothing in them says where things lie on the machine they were used
 * on, or whose it is. A path of this machine is known by its last name, data files by their fingerprint too.
 */
import { existsSync } from 'node:fs';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A setting's value with every path of this machine by its last name. */
export function portable(value: Json): Json {
  if (typeof value === 'string') return isLocal(value) ? lastName(value) : value;
  if (Array.isArray(value)) return value.map(portable);
  if (value === null || typeof value !== 'object') return value;
  // Data files that have a fingerprint lie on this machine, whatever their path begins with.
  const here = typeof value.fingerprint === 'string';
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      here && (key === 'data' || key === 'given') && typeof each === 'string'
        ? lastName(each)
        : portable(each),
    ]),
  );
}

/** A word of a command: a value, or an option or setting with one. */
export function portableWord(word: string): string {
  const [, name = '', text = ''] = /^(--set=[^=]*=|--[^=]*=)?(.*)$/s.exec(word) ?? [];
  return `${name}${valueText(portable(parsedText(text)), text)}`;
}

function parsedText(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** As it was written where nothing of it changed, so that numbers keep their digits. */
function valueText(value: Json, text: string): string {
  if (typeof value === 'string' && typeof parsedText(text) === 'string') {
    return value === parsedText(text) ? text : text.startsWith('"') ? JSON.stringify(value) : value;
  }
  const changed = JSON.stringify(value);
  return changed === JSON.stringify(parsedText(text)) ? text : changed;
}

function isLocal(text: string): boolean {
  if (/^(?:~[^\\/]*|\.{1,2}|[A-Za-z]:)?[\\/]|^file:/.test(text)) return true;
  return /[\\/]/.test(text) && existsSync(text);
}

function lastName(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== '' && part !== '.' && part !== '..') ?? 'files';
}
