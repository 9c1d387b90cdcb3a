export interface SharedSessions<S> {
  /** The session under this key; the first to ask for it opens it. Give it back once. */
  take(key: string, open: () => Promise<S>): Promise<S>;
  give(key: string): Promise<void>;
}

/** Sessions that SAEs of one shape and recipe use together, so that their working memory exists once. */
export function sharedSessions<S extends { close(): Promise<void> }>(): SharedSessions<S> {
  const sessions = new Map<string, { session: Promise<S>; users: number }>();
  return {
    async take(key, open) {
      const shared = sessions.get(key) ?? { session: open(), users: 0 };
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
