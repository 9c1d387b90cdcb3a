import { expect, it } from 'vitest';
import { resolveRun } from '../../../../runner/config/resolve.ts';
import { suitesOf } from '../../../../runner/config/run-config.ts';
import { demoModelFolder } from '../../../../runner/demo/index.ts';
import { checkStart } from '../../../../runner/job/evaluation/check-start.ts';
import type { Suite } from '../../../../runner/suites/suite.ts';

const model = { folder: demoModelFolder, revision: null };
const reporter = { progress: () => undefined, note: () => undefined, stopRequested: () => false };

it('says of how many suites the text is there, and of none that refuses it', async () => {
  const config = await resolveRun([], { set: ['evaluation.suites=["core","interpscore"]'] });
  const suites = suitesOf(config);
  const heard: number[] = [];
  await checkStart(config, suites, model, reporter, (done) => heard.push(done));
  expect(heard).toEqual(suites.map((_, i) => i + 1));
  const refusing: Suite = {
    ...suites[0]!,
    begin: async () => {
      throw new RangeError('too little text');
    },
  };
  const started = checkStart(config, [suites[0]!, refusing], model, reporter, (done) => heard.push(done));
  await expect(started).rejects.toThrow('too little text');
  expect(heard.slice(suites.length)).toEqual([1]);
});
