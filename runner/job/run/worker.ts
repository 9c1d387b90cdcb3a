/** Body of the job's thread. */
import { stageReporter } from '../../reporter.ts';
import { serve } from '../../threads/body.ts';
import type { JobStart } from './messages.ts';
import { overfitJob } from './overfit-job.ts';
import { runJob } from './run-job.ts';

serve<null, JobStart, boolean>((_start, thread) => ({
  /** Whether what was asked for went well to its end. */
  async answer(job) {
    switch (job.task) {
      case 'run':
        await runJob(job, thread);
        return true;
      case 'overfit-one-batch':
        return overfitJob(job, stageReporter('one batch', 'steps', thread));
      default:
        return job satisfies never;
    }
  },
}));
