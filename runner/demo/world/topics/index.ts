import { cooking } from './cooking.ts';
import { farm } from './farm.ts';
import { games } from './games.ts';
import { garden } from './garden.ts';
import { harbour } from './harbour.ts';
import { illness } from './illness.ts';
import { letters } from './letters.ts';
import { market } from './market.ts';
import { music } from './music.ts';
import { repair } from './repair.ts';
import { school } from './school.ts';
import { storm } from './storm.ts';
import { theft } from './theft.ts';
import type { Topic } from './topic.ts';
import { travel } from './travel.ts';

export const TOPICS: readonly Topic[] = [
  market,
  harbour,
  garden,
  school,
  cooking,
  music,
  repair,
  travel,
  illness,
  games,
  letters,
  farm,
  theft,
  storm,
];
