import { UnavailableError } from '../errors.ts';

/** What onnxruntime's native library needs of a system, by the platform: said where it cannot be loaded. */
const needs: Partial<Record<NodeJS.Platform, { expected: string; next: string }>> = {
  win32: {
    expected: 'the Microsoft Visual C++ runtime (MSVCP140.dll, VCRUNTIME140.dll)',
    next: 'Install the Microsoft Visual C++ Redistributable for Visual Studio 2015-2022 for this processor, then run again.',
  },
  darwin: { expected: 'macOS 14 or newer on Apple silicon', next: 'Update macOS, then run again.' },
  linux: {
    expected: 'a system with the GNU C library (glibc 2.28 or newer) and libstdc++',
    next: 'On Alpine and other systems without glibc use a Debian or Ubuntu container; else install libstdc++6.',
  },
};

/** The error for a native library that the system did not load (ERR_DLOPEN_FAILED). */
export function unloadable(cause: unknown, platform = process.platform): UnavailableError {
  const found = cause instanceof Error ? cause.message : String(cause);
  const { expected, next } = needs[platform] ?? {
    expected: 'Linux, macOS or Windows',
    next: 'Run it on one of these.',
  };
  return new UnavailableError({ thing: 'onnxruntime’s library', found, expected, next }, { cause });
}
