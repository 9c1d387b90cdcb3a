/** Which shard a process is: as it was told, or as the engine that started it says. */
import { quote, UserError } from '../../errors.ts';
import type { Shard } from '../shared/shard.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param text `2/6`, counted from 1; `auto` or `auto/6` for what the variables of Slurm or Kubernetes say
 * @throws UserError when it is neither, or the engine's numbers are no whole row of shards
 */
export function whichShard(text: string, environment: Environment): Shard {
  const [, auto, index, of] = /^(?:(auto)|(\d{1,9}))(?:\/(\d{1,9}))?$/.exec(text) ?? [];
  const total = of === undefined ? undefined : Number(of);
  if (auto !== undefined) return checked(shardOfEngine(total, environment), text);
  if (index === undefined || total === undefined) throw wrong(text);
  return checked({ index: Number(index), of: total }, text);
}

function shardOfEngine(of: number | undefined, environment: Environment): Shard {
  if (environment.SLURM_ARRAY_TASK_ID !== undefined) return slurmShard(of, environment);
  const completion = environment.JOB_COMPLETION_INDEX;
  if (completion !== undefined) return kubernetesShard(of, completion);
  throw new UserError({
    thing: '--shard auto',
    found: 'neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX in the environment',
    expected: 'a task of a Slurm array, or a pod of an Indexed Job of Kubernetes',
    next: 'Say which shard it is, as --shard 2/6.',
  });
}

/** Ids from the least in equal steps: of others (as `--array=1,2,5`) nobody could say which shards they are. */
function slurmShard(of: number | undefined, environment: Environment): Shard {
  const number = (name: string, otherwise?: number): number => {
    const text = environment[`SLURM_ARRAY_TASK_${name}`];
    if (text === undefined && otherwise !== undefined) return otherwise;
    if (text !== undefined && /^\d{1,9}$/.test(text)) return Number(text);
    throw new UserError({
      thing: `SLURM_ARRAY_TASK_${name}`,
      found: text === undefined ? 'no such variable' : quote(text),
      expected: 'a number, as Slurm sets it in a task of an array',
      next: 'Say which shard it is, as --shard 2/6.',
    });
  };
  const id = number('ID');
  const least = number('MIN');
  const most = number('MAX');
  const count = number('COUNT');
  const step = number('STEP', 1);
  const whole = step > 0 && most - least === (count - 1) * step && (id - least) % step === 0;
  if (!whole || (of !== undefined && of !== count)) {
    throw new UserError({
      thing: `Slurm array ${least}-${most}`,
      found: `${count} tasks in steps of ${step}${whole ? '' : ', with gaps'}`,
      expected:
        of === undefined
          ? 'ids without gaps, as --array=1-6'
          : `${of} tasks without gaps, as --array=1-${of}`,
      next: 'For some shards of a run say the number yourself, as --shard "$SLURM_ARRAY_TASK_ID/6".',
    });
  }
  return { index: (id - least) / step + 1, of: count };
}

function kubernetesShard(of: number | undefined, completion: string): Shard {
  if (of === undefined) {
    throw new UserError({
      thing: '--shard auto',
      found: 'JOB_COMPLETION_INDEX, which does not say how many there are',
      expected: 'the number of completions',
      next: 'Give it, as --shard auto/6.',
    });
  }
  if (!/^\d{1,9}$/.test(completion)) {
    throw new UserError({
      thing: 'JOB_COMPLETION_INDEX',
      found: quote(completion),
      expected: 'a number from 0, as an Indexed Job sets it',
      next: 'Say which shard it is, as --shard 2/6.',
    });
  }
  return { index: Number(completion) + 1, of };
}

function checked(shard: Shard, text: string): Shard {
  const { index, of } = shard;
  if (index >= 1 && index <= of) return shard;
  throw wrong(text, `shard ${index} of ${of}`);
}

function wrong(text: string, found = quote(text)): UserError {
  return new UserError({
    thing: '--shard',
    found,
    expected: 'i/N with i from 1 to N, as 2/6, or auto, or auto/N',
    next: 'Give each of the N processes its own number.',
  });
}
