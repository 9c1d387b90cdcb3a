/** Hugging Face Jobs: containers that the hub runs. */
import { runJob } from '@huggingface/hub';
import { UnavailableError, UserError } from '../errors.ts';
import { asked } from './answers.ts';
import type { HubReference } from './reference.ts';
import { Transient } from './retry.ts';
import { type Hub, hubFetch } from './transport.ts';

export interface JobSpec {
  dockerImage: string;
  command: string[];
  flavor: string;
  timeoutSeconds: number;
  attempts: number;
  labels: Record<string, string>;
}

/**
 * Starts one job, which is given the token as HF_TOKEN. It is asked for once: where the answer is lost, whether it runs is
 * not known, and a second one would do the same work beside it.
 *
 * @param repository that it writes to; its owner pays
 * @returns the job's name and page
 * @throws UserError without a token or permission; UnavailableError when the hub does not answer
 */
export async function startJob(
  hub: Hub,
  repository: HubReference,
  spec: JobSpec,
  signal?: AbortSignal,
): Promise<{ id: string; page: string }> {
  const { token, endpoint } = hub.settings;
  const namespace = repository.repo.replace(/\/.*$/, '');
  if (token === null) {
    throw new UserError({
      thing: 'Hugging Face Jobs',
      found: 'no token',
      expected: 'a token that may start jobs and write',
      next: `Create one at ${endpoint}/settings/tokens and set HF_TOKEN; nothing was started.`,
    });
  }
  try {
    const { id } = await asked(
      repository,
      () =>
        runJob({
          ...spec,
          // The hub refuses hardware that it has not.
          flavor: spec.flavor as Parameters<typeof runJob>[0]['flavor'],
          secrets: { HF_TOKEN: token.reveal() },
          namespace,
          hubUrl: endpoint,
          fetch: hubFetch(hub, repository, { signal, once: () => true }),
          // The token is added by the transport, for the endpoint alone; the library needs not know it.
          accessToken: 'hf_',
        }),
      signal,
    );
    return { id, page: `${endpoint}/jobs/${namespace}/${id}` };
  } catch (error) {
    if (!(error instanceof Transient)) throw error;
    throw new UnavailableError(
      {
        thing: `job ${JSON.stringify(spec.labels)} of ${namespace}`,
        found: `${error.message}: it may have been started or not`,
        expected: 'an answer of the hub',
        next: `Look at ${endpoint}/settings/jobs before it is sent again.`,
      },
      { cause: error },
    );
  }
}
