import type { Random } from '../../math/random.ts';
import { courtesyStory } from './courtesy.ts';
import { description } from './facts.ts';
import { opinionStory } from './opinion.ts';
import { story } from './story.ts';

/** A text of the prose register: mostly stories, else opinions, exchanges of courtesies and descriptions. */
export function prose(random: Random): string {
  const kind = random.next();
  if (kind < 0.5) return story(random);
  if (kind < 0.75) return opinionStory(random);
  if (kind < 0.95) return courtesyStory(random);
  return description(random);
}
