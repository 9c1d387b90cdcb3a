import type { ProbingSettings } from '../../config/sections.ts';
import type { FindDataFiles } from '../../io/data-files.ts';
import type { Reporter } from '../../reporter.ts';
import { DEMO_PROBES, demoProbeSet } from '../../text/demo-probes.ts';
import { fileProbeSet } from '../../text/file-probes.ts';
import { declaredProbes } from '../../text/probe-declaration.ts';
import { noSuchSet, type ProbeSetLoader } from '../../text/probe-sets.ts';
import { findFiles, stopWhenAsked } from '../shared/text.ts';

interface ProbeSetSettings {
  probing: ProbingSettings;
  evaluation: { probeSeed: number };
}

/** Probe sets by name or declared: those of the configuration, those known by name, those of the small world. */
export function probeSets(
  { probing, evaluation }: ProbeSetSettings,
  reporter: Reporter,
  find: FindDataFiles = findFiles,
): ProbeSetLoader {
  const { tasks, sets } = probing;
  const own = [...tasks, ...sets].filter((each) => typeof each !== 'string');
  const files = [...own, ...declaredProbes];
  return async (set, demand) => {
    const name = typeof set === 'string' ? set : set.name;
    const demo = DEMO_PROBES.find((each) => each === name);
    const declared = typeof set === 'string' ? files.find((each) => each.name === name) : set;
    if (declared !== undefined) {
      reporter.note(`reading probe set ${name}`);
      return fileProbeSet(declared, demand, find, stopWhenAsked(reporter));
    }
    if (demo !== undefined) return demoProbeSet(demo, evaluation.probeSeed, demand);
    throw noSuchSet(name, [...DEMO_PROBES, ...files.map((each) => each.name)]);
  };
}
