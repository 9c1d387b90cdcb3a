import type { Random } from '../../math/random.ts';
import { drawPeople } from './cast.ts';
import { singular } from './grammar.ts';
import { COUNTABLES, TIMES, TOWNS } from './lexicon.ts';
import { pick } from './template.ts';

export interface WorkedProblem {
  problem: string;
  solution: string;
}

interface Draw {
  random: Random;
  name: string;
  other: string;
  goods: string;
  /** A whole number from low to high. */
  number(low: number, high: number): number;
}

/** A word problem and its solution in steps, each step true. */
export function workedProblem(random: Random): WorkedProblem {
  const [a, b] = drawPeople(random, 2);
  const draw: Draw = {
    random,
    name: random.integer(3) === 0 ? `${a!.name} ${a!.family}` : a!.name,
    other: random.integer(3) === 0 ? `${b!.name} ${b!.family}` : b!.name,
    goods: pick(random, COUNTABLES),
    number: (low, high) => low + random.integer(high - low + 1),
  };
  const worked = pick(random, KINDS)(draw);
  if (random.integer(3) > 0) return worked;
  const scene = pick(random, [
    `${pick(random, TIMES)} in ${pick(random, TOWNS)}`,
    `A question from ${pick(random, TOWNS)}`,
  ]);
  return { ...worked, problem: `${scene}: ${worked.problem}` };
}

/** A product in steps: tens first, then ones. */
function product(x: number, y: number): string {
  if (x < 10 || x % 10 === 0) return `${x} * ${y} = ${x * y}.`;
  const ones = x % 10;
  const tens = x - ones;
  return `${x} * ${y} = ${tens} * ${y} + ${ones} * ${y} = ${tens * y} + ${ones * y} = ${x * y}.`;
}

const KINDS: readonly ((draw: Draw) => WorkedProblem)[] = [
  function price({ name, goods, number }) {
    const count = number(3, 29);
    const each = number(2, 9);
    return {
      problem: `${name} buys ${count} ${goods}. Each ${singular(goods)} costs ${each} coins. How much does ${name} pay?`,
      solution: `Each of the ${count} ${goods} costs ${each} coins. ${product(count, each)} ${name} pays ${count * each} coins.`,
    };
  },
  function change({ name, goods, number }) {
    const count = number(2, 12);
    const each = number(2, 9);
    const given = count * each + number(1, 30);
    return {
      problem: `${name} pays for ${count} ${goods} with ${given} coins. One costs ${each} coins. How many coins does ${name} get back?`,
      solution: `First the price: ${product(count, each)} Then the rest: ${given} - ${count * each} = ${given - count * each}. ${name} gets ${given - count * each} coins back.`,
    };
  },
  function share({ name, other, goods, number }) {
    const people = number(3, 9);
    const each = number(2, 15);
    const rest = number(0, people - 1);
    const total = people * each + rest;
    return {
      problem: `${name} and ${other} share ${total} ${goods} equally among ${people} children. How many does each child get, and how many are left over?`,
      solution: `${people} * ${each} = ${people * each}, and ${total} - ${people * each} = ${rest}. Each child gets ${each} ${goods} and ${rest} ${rest === 1 ? 'is' : 'are'} left over.`,
    };
  },
  function together({ name, other, goods, number }) {
    const first = number(5, 60);
    const more = number(2, 30);
    return {
      problem: `${name} has ${first} ${goods}. ${other} has ${more} more than ${name}. How many ${goods} do they have together?`,
      solution: `${other} has ${first} + ${more} = ${first + more} ${goods}. Together they have ${first} + ${first + more} = ${2 * first + more} ${goods}.`,
    };
  },
  function twice({ name, other, goods, number }) {
    const first = number(4, 40);
    const times = number(2, 5);
    return {
      problem: `${other} has ${first} ${goods}, and ${name} has ${times} times as many. How many more does ${name} have than ${other}?`,
      solution: `${product(first, times)} So ${name} has ${first * times} ${goods}. The difference is ${first * times} - ${first} = ${first * times - first}.`,
    };
  },
  function journey({ name, random, number }) {
    const speed = number(3, 25);
    const hours = number(2, 9);
    const how = pick(random, ['walks', 'rides', 'rows', 'drives']);
    return {
      problem: `${name} ${how} ${speed} miles every hour. How far does ${name} come in ${hours} hours?`,
      solution: `In one hour it is ${speed} miles, so in ${hours} hours it is ${hours} times as much. ${product(speed, hours)} ${name} comes ${speed * hours} miles far.`,
    };
  },
  function field({ name, number }) {
    const long = number(5, 40);
    const wide = number(3, 9);
    return {
      problem: `The garden of ${name} is ${long} steps long and ${wide} steps wide. How long is the fence around it, and how large is the garden?`,
      solution: `The fence goes around all four sides: 2 * (${long} + ${wide}) = 2 * ${long + wide} = ${2 * (long + wide)} steps. The area is ${long} times ${wide}. ${product(long, wide)} So the garden has ${long * wide} square steps.`,
    };
  },
  function average({ name, number }) {
    const mean = number(6, 60);
    const off = number(1, 5);
    const [a, b, c] = [mean - off, mean, mean + off];
    return {
      problem: `${name} reads ${a} pages on Monday, ${c} on Tuesday and ${b} on Wednesday. What is the average?`,
      solution: `${a} + ${c} + ${b} = ${a + b + c}. There are 3 days, and ${a + b + c} / 3 = ${mean}. The average is ${mean} pages a day.`,
    };
  },
  function saving({ name, random, number }) {
    const week = number(2, 9);
    const weeks = number(3, 15);
    const start = number(0, 40);
    const goal = start + week * weeks;
    const thing = pick(random, ['violin', 'bicycle', 'coat', 'tent', 'clock', 'kite']);
    return {
      problem: `A ${thing} costs ${goal} coins. ${name} has ${start} coins and saves ${week} every week. After how many weeks can ${name} buy the ${thing}?`,
      solution: `${name} still needs ${goal} - ${start} = ${week * weeks} coins. ${week * weeks} / ${week} = ${weeks}. After ${weeks} weeks ${name} can buy the ${thing}.`,
    };
  },
  function half({ name, other, goods, number }) {
    const quarter = number(2, 25);
    const total = 4 * quarter;
    return {
      problem: `${name} had ${total} ${goods}. ${name} sold half of them and gave half of the rest to ${other}. How many are left?`,
      solution: `Half of ${total} is ${2 * quarter}, so ${total} - ${2 * quarter} = ${2 * quarter} are left after the sale. Half of ${2 * quarter} is ${quarter}. ${2 * quarter} - ${quarter} = ${quarter}. In the end ${quarter} ${goods} are left.`,
    };
  },
  function clock({ name, number }) {
    const start = number(6, 11);
    const minutes = number(2, 11) * 5;
    const lasts = number(4, 20) * 5;
    const end = start * 60 + minutes + lasts;
    return {
      problem: `${name} begins to work at ${start}:${String(minutes).padStart(2, '0')} and works for ${lasts} minutes. When is ${name} done?`,
      solution: `${minutes} + ${lasts} = ${minutes + lasts} minutes after ${start}:00. That is ${Math.floor((minutes + lasts) / 60)} * 60 + ${(minutes + lasts) % 60} minutes. ${name} is done at ${Math.floor(end / 60)}:${String(end % 60).padStart(2, '0')}.`,
    };
  },
  function boxes({ name, goods, number }) {
    const boxes = number(3, 19);
    const each = number(3, 9);
    const broken = number(2, 9);
    return {
      problem: `In each of ${boxes} boxes there are ${each} ${goods}. ${broken} of all the ${goods} are broken. How many good ones does ${name} have?`,
      solution: `All together: ${product(boxes, each)} Without the broken ones: ${boxes * each} - ${broken} = ${boxes * each - broken}. ${name} has ${boxes * each - broken} good ${goods}.`,
    };
  },
];
