import type { Program } from '../../onnx/graph.ts';
import { openSession, type Session, type SessionOptions } from '../../onnx/session.ts';

export interface SharedSessions {
  /** The session of the program under this key; the first to ask for it builds it. Give it back once. */
  take(key: string, program: () => Program): Promise<Session>;
  give(key: string): Promise<void>;
}

/** Sessions that SAEs of one shape and recipe use together, so that their working memory exists once. */
export function sharedSessions(options: SessionOptions): SharedSessions {
  const sessions = new Map<string, { session: Promise<Session>; users: number }>();
  return {
    async take(key, program) {
      const shared = sessions.get(key) ?? { session: openSession(program(), options), users: 0 };
      shared.users += 1;
      sessions.set(key, shared);
      return shared.session.catch((error: unknown) => {
        sessions.delete(key);
        throw error;
      });
    },
    async give(key) {
      const shared = sessions.get(key);
      if (shared === undefined) return;
      shared.users -= 1;
      if (shared.users > 0) return;
      sessions.delete(key);
      await (await shared.session).close();
    },
  };
}
